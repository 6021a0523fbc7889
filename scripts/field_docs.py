"""What classes say of their fields, as rows for a reference page."""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Final, cast

import msgspec
from msgspec import inspect as shapes

PIPE: Final = " \\| "


class Described(msgspec.Struct, frozen=True):
    """A field, as a page shows it."""

    name: str
    kind: shapes.Type
    """Its type, without descriptions around it."""
    text: str
    """What its docstring, or else its description, says; one line."""
    required: bool
    default: object
    """What it is where it is not given; `NODEFAULT` where it must be, or where it may be absent."""


def described(kind: type[msgspec.Struct]) -> list[Described]:
    """Return the fields of a struct in the order of their definition."""
    found = shapes.type_info(kind)
    assert isinstance(found, shapes.StructType)
    texts = field_texts(kind)
    return [_field(field, texts.get(field.name, "")) for field in found.fields]


def field_texts(kind: type) -> dict[str, str]:
    """Return the string that stands below each field, of the class and of those before it."""
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if "__annotations__" in vars(each) and each.__module__.startswith("thinkaloud"):
            texts.update(_texts_of(each))
    return texts


def summary(kind: type) -> str:
    """Return the docstring of a class as paragraphs, one line each."""
    return paragraphs(inspect.getdoc(kind) or "")


def paragraphs(text: str) -> str:
    """Return a text with the line breaks inside its paragraphs taken out; code stays as it is."""
    parts = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        f"```python\n{textwrap.dedent(part)}\n```" if part.startswith("    ") else one_line(part)
        for part in parts
    )


def one_line(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Return a text that may stand in a cell of a table."""
    return one_line(text).replace("|", "\\|")


def _field(field: shapes.Field, text: str) -> Described:
    kind, description = _bare(field.type)
    return Described(
        name=field.encode_name,
        kind=kind,
        text=one_line(text or description),
        required=field.required,
        default=_default(field),
    )


def _default(field: shapes.Field) -> object:
    if field.default is msgspec.UNSET:
        return msgspec.NODEFAULT
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _bare(kind: shapes.Type) -> tuple[shapes.Type, str]:
    if isinstance(kind, shapes.UnionType):
        for each in kind.types:
            description = _bare(each)[1]
            if description:
                return kind, description
    if not isinstance(kind, shapes.Metadata):
        return kind, ""
    extra = cast("dict[str, object]", kind.extra_json_schema or {})
    return _bare(kind.type)[0], str(extra.get("description", ""))


def _texts_of(kind: type) -> Iterator[tuple[str, str]]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = cast("ast.ClassDef", tree.body[0]).body
    for field, below in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield field.target.id, str(below.value.value)
