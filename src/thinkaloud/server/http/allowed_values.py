"""Lists the allowed values of a request's field, if its type is a literal or an enum. Pure."""

import re
from typing import Final

from msgspec import inspect

_STEP: Final = re.compile(r"\[[^\]]*\]|[^.\[]+")


def allowed_at(kind: type, path: str) -> tuple[str, ...]:
    """Return the values that `kind` allows at a path such as `members[0].role`, if enumerable."""
    found = _alternatives(inspect.type_info(kind))
    for step in _STEP.findall(path):
        found = [each for outer in found for each in _nested_types(outer, step)]
    return tuple(value for each in found for value in _values(each))


def _alternatives(kind: inspect.Type) -> list[inspect.Type]:
    match kind:
        case inspect.Metadata():
            return _alternatives(kind.type)
        case inspect.UnionType():
            return [one for each in kind.types for one in _alternatives(each)]
        case _:
            return [kind]


def _nested_types(kind: inspect.Type, step: str) -> list[inspect.Type]:
    match kind:
        case inspect.StructType():
            named = (each.type for each in kind.fields if each.encode_name == step)
            return [one for each in named for one in _alternatives(each)]
        case inspect.DictType():
            return _alternatives(kind.value_type)
        case inspect.ListType() | inspect.VarTupleType():
            return _alternatives(kind.item_type)
        case _:
            return []


def _values(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.LiteralType():
            return [str(value) for value in kind.values]
        case inspect.EnumType():
            return [str(each.value) for each in kind.cls]
        case _:
            return []
