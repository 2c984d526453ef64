"""Frozen, slotted dataclasses without the cost of making them.

In: a class with annotations. Out: the same as `dataclasses.dataclass(frozen=True, slots=True)`
makes, in a fiftieth of the time: the standard one imports `inspect` and compiles half a dozen
functions for each class, which for all of ours took longer than a command's whole share may.
`dataclasses.fields`, `asdict` and `replace` work on them. Never knows more than we use: no
inheritance, no `kw_only`, no `__post_init__`.
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
        return _Special(default_factory or (lambda: default), compare)

    def replace(instance, /, **changes):
        """Return a copy with some fields changed."""
        kept = {name: getattr(instance, name) for name in instance.__match_args__}
        return type(instance)(**(kept | changes))


class _Special:
    def __init__(self, make: Callable[[], object], is_compared: bool) -> None:
        self.make = make
        self.is_compared = is_compared


class _Fields:
    """Stands for `__dataclass_fields__`: made when somebody asks, because hardly anybody does."""

    def __get__(self, _: object, owner: type) -> object:
        from dataclasses import field as standard_field
        from dataclasses import make_dataclass

        names: tuple[str, ...] = owner.__match_args__  # type: ignore[attr-defined]
        defaults: dict[str, object] = owner.__defaults__  # type: ignore[attr-defined]
        specified: list[tuple[str, object, object]] = []
        for name in names:
            given = defaults.get(name, self)
            if given is self:
                specified.append((name, object, standard_field()))
            elif isinstance(given, _Special):
                special = standard_field(default_factory=given.make, compare=given.is_compared)
                specified.append((name, object, special))
            else:
                specified.append((name, object, standard_field(default=given)))
        standard = make_dataclass(owner.__name__, specified)
        return standard.__dataclass_fields__  # type: ignore[attr-defined]


def _make_frozen(plain: type) -> type:
    names = tuple(plain.__annotations__)
    namespace = dict(plain.__dict__)
    defaults = {name: namespace.pop(name) for name in names if name in namespace}
    for name in ("__dict__", "__weakref__"):
        namespace.pop(name, None)
    namespace |= {
        "__slots__": names,
        "__compared__": tuple(name for name in names if _is_compared(defaults.get(name))),
        "__match_args__": names,
        "__defaults__": defaults,
        "__dataclass_fields__": _Fields(),
        "__init__": _make_initialiser(names, defaults),
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_change,
        "__eq__": _equals,
        "__hash__": _hash,
        "__repr__": _represent,
        "__reduce__": _reduce,
    }
    return type(plain.__name__, plain.__bases__, namespace)


def _is_compared(default: object) -> bool:
    return not isinstance(default, _Special) or default.is_compared


def _make_initialiser(names: tuple[str, ...], defaults: dict[str, object]) -> object:
    known = frozenset(names)

    def initialise(self: object, *values: object, **named: object) -> None:
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names) or not known >= named.keys() or given.keys() & named.keys():
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, each once")
        given |= named
        for name in names:
            if name in given:
                value = given[name]
            elif name in defaults:
                value = defaults[name]
                value = value.make() if isinstance(value, _Special) else value
            else:
                raise TypeError(f"{type(self).__name__} needs {name}")
            object.__setattr__(self, name, value)

    return initialise


def _compared_values(instance: object) -> tuple[object, ...]:
    names: tuple[str, ...] = type(instance).__compared__  # type: ignore[attr-defined]
    return tuple(getattr(instance, name) for name in names)


def _refuse_change(_: object, name: str, *__: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot change field {name!r}")


def _equals(one: object, other: object) -> bool:
    return type(one) is type(other) and _compared_values(one) == _compared_values(other)


def _hash(instance: object) -> int:
    return hash(_compared_values(instance))


def _represent(instance: object) -> str:
    names: tuple[str, ...] = type(instance).__match_args__  # type: ignore[attr-defined]
    fields = (f"{name}={getattr(instance, name)!r}" for name in names)
    return f"{type(instance).__qualname__}({', '.join(fields)})"


def _reduce(instance: object) -> tuple[type, tuple[object, ...]]:
    names: tuple[str, ...] = type(instance).__match_args__  # type: ignore[attr-defined]
    return type(instance), tuple(getattr(instance, name) for name in names)
