import dataclasses
import functools
import threading
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from thinkaloud.errors import InvalidRequest
from thinkaloud.tools import function_tool


class Unit(Enum):
    celsius = "C"
    fahrenheit = "F"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict):
    deep: NotRequired[bool]


class Range(msgspec.Struct):
    low: float
    high: float


def properties(function: Callable[..., object]) -> dict[str, Any]:
    schema: Any = function_tool(function, name="f").schema.parameters
    return schema["properties"]


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Unit, {"$ref": "#/$defs/Unit"}),
        (Options, {"$ref": "#/$defs/Options"}),
        (Point, {"$ref": "#/$defs/Point"}),
        (Range, {"$ref": "#/$defs/Range"}),
        (Annotated[int, msgspec.Meta(ge=1, le=9)], {"type": "integer", "minimum": 1, "maximum": 9}),
        (date, {"type": "string", "format": "date"}),
        (Any, {}),
        (object, {}),
    ],
)
def test_a_type_hint_becomes_its_json_schema(hint: Any, schema: dict[str, object]) -> None:
    def f(value):
        return value

    f.__annotations__["value"] = hint
    assert properties(f) == {"value": schema}


def test_named_types_are_defined_once_and_extra_properties_are_forbidden() -> None:
    def f(a: Point, b: Point, unit: Unit = Unit.celsius) -> None: ...

    schema: Any = function_tool(f).schema.parameters
    assert sorted(schema["$defs"]) == ["Point", "Unit"]
    assert schema["$defs"]["Unit"]["enum"] == ["C", "F"]
    assert schema["required"] == ["a", "b"]
    assert schema["additionalProperties"] is False
    assert schema["type"] == "object"


def test_a_default_makes_a_parameter_optional_and_is_shown_where_json_can() -> None:
    def f(
        a: int = 3,
        b: list[str] = ["x"],  # noqa: B006
        c: int = None,  # type: ignore[assignment]  # noqa: RUF013
        d: Any = object(),  # noqa: B008
        e: Unit = Unit.fahrenheit,
    ) -> None: ...

    assert properties(f) == {
        "a": {"type": "integer", "default": 3},
        "b": {"type": "array", "items": {"type": "string"}, "default": ["x"]},
        "c": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        "d": {},
        "e": {"$ref": "#/$defs/Unit", "default": "F"},
    }
    assert function_tool(f).schema.parameters["required"] == []


GOOGLE = """Look a city up.

    It may take a while.

    Args:
        city (str): The city's name,
            in English: no other tongue.
        days: How many days.

    Returns:
        days: Not a parameter.
    """
NUMPY = """Look a city up.

    It may take a while.

    Parameters
    ----------
    city : str
        The city's name,
        in English: no other tongue.
    days : int, optional
        How many days.

    Returns
    -------
    days
        Not a parameter.
    """
REST = """Look a city up.

    It may take a while.

    :param str city: The city's name,
        in English: no other tongue.
    :type city: str
    :param days: How many days.
    :returns: Something,
        days after.
    """


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_a_docstring_describes_the_tool_and_its_parameters(docstring: str) -> None:
    def lookup(city: str, days: int = 1) -> None: ...

    lookup.__doc__ = docstring
    schema = function_tool(lookup).schema
    assert schema.description == "Look a city up.\n\nIt may take a while."
    assert {name: each["description"] for name, each in properties(lookup).items()} == {
        "city": "The city's name, in English: no other tongue.",
        "days": "How many days.",
    }


KEYWORDS = """Look a city up.

    It may take a while.

    Args:
        city: The city's name, in English: no other tongue.

    {heading}:
        days (int): How many days.

    Returns:
        days: Not a parameter.
    """
NUMPY_KEYWORDS = NUMPY.replace("    days : int", "\n    Keyword Arguments\n    ---\n    days : int")


@pytest.mark.parametrize(
    "docstring",
    [
        *(
            KEYWORDS.format(heading=heading)
            for heading in (
                *("Keyword Args", "Keyword Arguments", "Other Parameters", "keyword args"),
                "KEYWORD ARGS",
            )
        ),
        *(
            REST.replace(":param days", f":{field} days").replace(":type city", ":kwtype city")
            for field in ("keyword", "key", "kwarg", "kwparam", "keyword int")
        ),
        REST.replace(":param", "@param").replace(":type", "@type").replace(":returns", "@return"),
        NUMPY_KEYWORDS,
    ],
)
def test_keyword_parameters_are_described_in_every_style(docstring: str) -> None:
    def lookup(city: str, *, days: int = 1) -> None: ...

    lookup.__doc__ = docstring
    assert function_tool(lookup).schema.description == "Look a city up.\n\nIt may take a while."
    assert {name: each["description"] for name, each in properties(lookup).items()} == {
        "city": "The city's name, in English: no other tongue.",
        "days": "How many days.",
    }


@dataclasses.dataclass
class Doc:
    """As `typing_extensions.Doc`."""

    documentation: str


@dataclasses.dataclass
class FieldInfo:
    """As pydantic's `Field(description=…)`."""

    description: str | None = None


class Stay(TypedDict):
    nights: Annotated[int, "How many nights."]
    rooms: "list[Room]"


class Room(msgspec.Struct):
    beds: Annotated[int, "How many beds."] = 1


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (Annotated[int, "How many."], {"type": "integer", "description": "How many."}),
        (Annotated[int, Doc("How many.")], {"type": "integer", "description": "How many."}),
        (
            Annotated[int, msgspec.Meta(ge=0), FieldInfo("How many.")],
            {"type": "integer", "minimum": 0, "description": "How many."},
        ),
        (
            Annotated[int, "How many."] | None,
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "How many."},
        ),
        (
            list[Annotated[str, "A tag."]],
            {"type": "array", "items": {"type": "string", "description": "A tag."}},
        ),
        (Annotated[Point, "Where."], {"$ref": "#/$defs/Point", "description": "Where."}),
        (Annotated[int, 3, FieldInfo()], {"type": "integer", "description": "From the docstring."}),
    ],
)
def test_a_description_in_the_hint_reaches_the_model(hint: Any, schema: dict[str, object]) -> None:
    def f(value):
        """Do it.

        Args:
            value: From the docstring.
        """
        return value

    f.__annotations__["value"] = hint
    found = properties(f)["value"]
    if "items" in schema:
        schema = {**schema, "description": "From the docstring."}
    assert found == schema


def test_a_description_in_a_field_reaches_the_model() -> None:
    def book(stay: Stay) -> None: ...

    schema: Any = function_tool(book).schema.parameters
    assert schema["$defs"]["Stay"]["properties"]["nights"]["description"] == "How many nights."
    assert schema["$defs"]["Room"]["properties"]["beds"]["description"] == "How many beds."


async def test_a_return_type_that_only_type_checkers_know_does_not_matter() -> None:
    def f(count: "int") -> "Nowhere":  # noqa: F821
        return count

    class Caller:
        def __call__(self, count: int) -> "Nowhere":  # noqa: F821
            return count

    async def waits(count: int) -> "list[Nowhere]":  # noqa: F821
        return [count]

    for function, text in ((f, "2"), (Caller(), "2"), (waits, "[2]")):
        made = function_tool(function, name="f")
        assert made.schema.parameters["properties"] == {"count": {"type": "integer"}}
        assert await made.call({"count": 2}) == text


def test_a_partial_function_keeps_the_hints_of_its_function() -> None:
    def f(count: int, name: str) -> "Nowhere": ...  # noqa: F821

    made = function_tool(functools.partial(f, name="x"), name="f")
    assert made.schema.parameters["properties"] == {
        "count": {"type": "integer"},
        "name": {"type": "string", "default": "x"},
    }


@pytest.mark.parametrize("docstring", [None, "", "Only: this.", "Args are many.\n\n- one: two"])
def test_a_docstring_without_sections_is_all_description(docstring: str | None) -> None:
    def f(one: int) -> None: ...

    f.__doc__ = docstring
    assert function_tool(f).schema.description.splitlines() == (docstring or "").splitlines()
    assert properties(f) == {"one": {"type": "integer"}}


def takes_more(*rest: int) -> None: ...
def takes_any(**rest: int) -> None: ...
def positional(a: int, /) -> None: ...
def unknown_hint(a: "Nowhere") -> None: ...  # noqa: F821
def no_json(a: threading.Thread) -> None: ...
def two_shapes(a: Point | Options) -> None: ...
def plain() -> None: ...


@pytest.mark.parametrize(
    ("function", "options", "complaint"),
    [
        (takes_more, {}, "'\\*rest"),
        (takes_any, {}, "'\\*\\*rest"),
        (positional, {}, "by name"),
        (unknown_hint, {}, "Nowhere"),
        (no_json, {}, "cannot be converted to JSON"),
        (two_shapes, {}, "cannot be converted to JSON"),
        (lambda: None, {}, "set name="),
        (plain, {"name": "two words"}, "set name="),
        (plain, {"name": "x" * 65}, "set name="),
        (plain, {"timeout": 0}, "timeout"),
        (plain, {"timeout": float("nan")}, "timeout"),
    ],
)
def test_a_function_that_cannot_be_a_tool_is_refused_with_the_reason(
    function: Callable[..., object], options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        function_tool(function, **options)
