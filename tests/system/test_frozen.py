"""Our frozen classes behave as the standard ones do."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from pipguard.system import frozen


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """What is imitated."""

    name: str
    """A field's own words."""
    count: int = 3
    words: tuple[str, ...] = ()
    table: dict[str, int] = dataclasses.field(default_factory=dict)
    note: str = dataclasses.field(default="n", compare=False)

    @property
    def double(self) -> int:
        """Twice the count."""
        return self.count * 2


@frozen.dataclass(frozen=True, slots=True)
class Ours:
    """The imitation."""

    name: str
    """A field's own words."""
    count: int = 3
    words: tuple[str, ...] = ()
    table: dict[str, int] = frozen.field(default_factory=dict)
    note: str = frozen.field(default="n", compare=False)

    @property
    def double(self) -> int:
        """Twice the count."""
        return self.count * 2


BOTH = pytest.mark.parametrize("kind", [Standard, Ours])
Kind = type[Standard] | type[Ours]


@BOTH
def test_fields_are_given_by_place_by_name_and_by_default(kind: Kind) -> None:
    thing = kind("x", words=("y",))
    assert (thing.name, thing.count, thing.words, thing.table) == ("x", 3, ("y",), {})
    assert thing.double == 6
    assert kind("x").table is not kind("x").table
    assert kind("x").note == "n"


@BOTH
@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("x",), {"name": "x"}),
        (("x",), {"nothing": 1}),
        (("x", 1, (), {}, "", 5), {}),
    ],
    ids=["too few", "twice", "unknown", "too many"],
)
def test_wrong_fields_are_refused(
    kind: Kind, values: tuple[object, ...], named: dict[str, object]
) -> None:
    with pytest.raises(TypeError):
        kind(*values, **named)  # type: ignore[arg-type]


@BOTH
def test_nothing_can_be_changed(kind: Kind) -> None:
    thing = kind("x")
    for attribute in ("name", "another"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(thing, attribute, "y")
    with pytest.raises(dataclasses.FrozenInstanceError):
        del thing.name
    assert not hasattr(thing, "__dict__")


@BOTH
def test_equal_fields_are_equal(kind: Kind) -> None:
    assert kind("x", 1) == kind("x", 1)
    assert kind("x", 1) != kind("x", 2)
    assert kind("x", note="a") == kind("x", note="b")
    values: object = ("x", 3, (), {}, "n")
    assert kind("x") != values
    with pytest.raises(TypeError):  # the table cannot be hashed
        hash(kind("x"))


def test_ours_and_another_are_never_equal() -> None:
    standard: object = Standard("x")
    assert Ours("x") != standard
    assert len({make_pair(1), make_pair(1), make_pair(2)}) == 2


@frozen.dataclass(frozen=True, slots=True)
class Pair:
    """Can be hashed."""

    one: int


def make_pair(value: int) -> Pair:
    return Pair(value)


@BOTH
def test_the_tools_of_the_standard_library_work(kind: Kind) -> None:
    thing = kind("x", 1, ("y",), {"z": 1})
    assert dataclasses.asdict(thing) == {
        "name": "x",
        "count": 1,
        "words": ("y",),
        "table": {"z": 1},
        "note": "n",
    }
    assert dataclasses.replace(thing, count=2) == kind("x", 2, ("y",), {"z": 1})
    assert [field.name for field in dataclasses.fields(thing)] == list(kind.__match_args__)
    assert copy.deepcopy(thing) == thing
    assert pickle.loads(pickle.dumps(thing)) == thing


def test_ours_is_shown_and_replaced_as_the_standard_one() -> None:
    assert repr(Ours("x")) == repr(Standard("x")).replace("Standard", "Ours")
    assert frozen.replace(Ours("x"), count=9) == Ours("x", 9)
    assert Ours.__doc__ == "The imitation."
    match Ours("x", 1):
        case Ours(name, count):
            assert (name, count) == ("x", 1)
