"""Describes types in words, for reference pages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import inspect as shapes

from thinkaloud.events.prompt import EFFORT_LEVELS

Namer = Callable[[type], str]
"""How a page refers to a struct: its name, or a link."""

_PLAIN: Final[Mapping[type[shapes.Type], str]] = {
    shapes.StrType: "string",
    shapes.IntType: "integer",
    shapes.FloatType: "number",
    shapes.BoolType: "`true` or `false`",
    shapes.NoneType: "null",
    shapes.CustomType: "any JSON value",
    shapes.AnyType: "any JSON value",
    shapes.RawType: "any JSON value",
}


def in_words(  # noqa: PLR0911 - one arm a kind
    kind: shapes.Type, name: Namer = lambda cls: f"`{cls.__name__}`"
) -> str:
    """Return a type in words; `name` says how a struct is called."""
    match kind:
        case shapes.Metadata(type=inner):
            return in_words(inner, name)
        case shapes.UnionType(types=types):
            words = [in_words(each, name) for each in types]
            return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
        case shapes.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in _in_order(values))
        case shapes.VarTupleType(item_type=item) | shapes.ListType(item_type=item):
            return f"list of {_plural(item, name)}"
        case shapes.DictType(value_type=value):
            return f"table of {_plural(value, name)}"
        case shapes.StructType(cls=cls):
            return name(cls)
        case _:
            return _PLAIN[type(kind)]


def without_null(kind: shapes.Type) -> shapes.Type:
    """Return a type without its null, where it is a union with it."""
    if not isinstance(kind, shapes.UnionType):
        return kind
    left = tuple(each for each in kind.types if not isinstance(each, shapes.NoneType))
    return left[0] if len(left) == 1 else shapes.UnionType(left)


def _plural(kind: shapes.Type, name: Namer) -> str:
    """Return the type of the items of a list or table in words."""
    words = in_words(kind, name)
    return f"{words}s" if words in {"string", "integer", "number"} else words


def _in_order(values: Sequence[object]) -> Sequence[object]:
    """Return the values of a literal, levels of effort from the least to the most."""
    return EFFORT_LEVELS if set(values) == set(EFFORT_LEVELS) else values
