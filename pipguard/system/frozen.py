"""Makes frozen dataclasses with slots, without the cost of the standard ones.

In: a class with annotations. Out: a class that behaves like one from `dataclasses.dataclass` with
`frozen=True, slots=True`; `dataclasses.fields`, `asdict` and `replace` accept its instances.

Why not the standard one: it imports `inspect` and compiles several functions for each class, which
costs a command that has nothing to install 67 of 178 ms of CPU time (Python 3.11). Never supports
more than pipguard uses: no inheritance, no `kw_only`, no `__post_init__`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, field, replace

    __all__ = ["dataclass", "field", "replace"]
else:

    def dataclass(*, frozen, slots):
        """Turn a class into a frozen one with slots; both must be asked for."""
        assert frozen
        assert slots
        return _make_frozen

    def field(*, default=None, default_factory=None, compare=True):
        """Describe a field whose default is made anew each time, or that equality overlooks."""
        return _Field(default_factory or (lambda: default), compare)

    def replace(instance, /, **changes):
        """Return a copy with some fields changed."""
        return type(instance)(**(_values(instance, instance.__match_args__) | changes))


class _Field:
    def __init__(self, make: Callable[[], object], compare: bool) -> None:
        self.make = make
        self.compare = compare


class _StandardFields:
    """`__dataclass_fields__`, made when it is first asked for, because hardly anybody asks."""

    def __get__(self, _: object, owner: type[_Frozen]) -> object:
        import dataclasses

        specified: list[tuple[str, object, object]] = []
        for name in owner.__match_args__:
            default = owner.defaults.get(name, dataclasses.MISSING)
            if isinstance(default, _Field):
                standard = dataclasses.field(default_factory=default.make, compare=default.compare)
            else:
                standard = dataclasses.field(default=default)
            specified.append((name, object, standard))
        made = dataclasses.make_dataclass(owner.__name__, specified)
        return made.__dataclass_fields__  # type: ignore[attr-defined]


class _Frozen:
    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    __dataclass_fields__ = _StandardFields()
    compared: tuple[str, ...] = ()
    defaults: dict[str, object] = {}  # noqa: RUF012 - each class has its own

    def __init__(self, *values: object, **named: object) -> None:
        names, defaults = self.__match_args__, self.defaults
        given = {**dict(zip(names, values, strict=False)), **named}
        if len(given) < len(values) + len(named) or not given.keys() <= set(names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")
        for name in names:
            value = given[name] if name in given else defaults.get(name, self)
            if value is self:
                raise TypeError(f"{type(self).__name__} needs {name}")
            if isinstance(value, _Field):
                value = value.make()
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object = None) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot change field {name!r}")

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        same_type = type(self) is type(other)
        return same_type and _values(self, self.compared) == _values(other, self.compared)

    def __hash__(self) -> int:
        return hash(tuple(_values(self, self.compared).values()))

    def __repr__(self) -> str:
        fields = _values(self, self.__match_args__).items()
        return f"{type(self).__qualname__}({', '.join(f'{name}={v!r}' for name, v in fields)})"

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), tuple(_values(self, self.__match_args__).values())


def _values(instance: object, names: tuple[str, ...]) -> dict[str, object]:
    return {name: getattr(instance, name) for name in names}


def _make_frozen(plain: type) -> type:
    names = tuple(plain.__annotations__)
    namespace = dict(plain.__dict__)
    defaults = {name: namespace.pop(name) for name in names if name in namespace}
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    ignored = {n for n, d in defaults.items() if isinstance(d, _Field) and not d.compare}
    namespace |= {
        "__slots__": names,
        "__match_args__": names,
        "compared": tuple(name for name in names if name not in ignored),
        "defaults": defaults,
    }
    return type(plain.__name__, (_Frozen,), namespace)
