import asyncio
import dataclasses
import threading
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from thinkaloud.errors import InvalidRequest, NotFound, ToolError
from thinkaloud.tools import as_tool, function_tool, tool


class Unit(Enum):
    celsius = "C"
    fahrenheit = "F"


class Size(StrEnum):
    small = "s"
    large = "l"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict):
    deep: NotRequired[bool]


class Range(msgspec.Struct):
    low: float
    high: float


def test_a_decorated_function_is_a_tool_and_still_the_function() -> None:
    @tool
    def double(x: int) -> int:
        return 2 * x

    @tool(name="thrice", description="By three.", timeout=5)
    def triple(x: int) -> int:
        return 3 * x

    assert (double.schema.name, double(4)) == ("double", 8)
    assert (triple.schema.name, triple.schema.description, triple.timeout, triple(4)) == (
        "thrice",
        "By three.",
        5.0,
        12,
    )


class Mirror:
    schema = function_tool(lambda: None, name="mirror").schema
    timeout = 1.0

    async def call(self, arguments: dict[str, object]) -> str:
        return str(arguments)


class Greeter:
    def __call__(self, name: str) -> str:
        return f"Hello {name}"

    def greet(self, name: str) -> str:
        return f"Good day {name}"


async def test_a_tool_is_kept_and_a_callable_is_wrapped() -> None:
    mirror = Mirror()
    assert as_tool(mirror) is mirror
    wrapped = function_tool(Greeter().greet)
    assert as_tool(wrapped) is wrapped
    assert await as_tool(Greeter().greet).call({"name": "Ada"}) == "Good day Ada"
    assert await function_tool(Greeter(), name="hi").call({"name": "Ada"}) == "Hello Ada"


@pytest.mark.parametrize("candidate", [42, "name", None, Point, Mirror])
def test_an_object_that_is_not_a_tool_is_refused(candidate: object) -> None:
    with pytest.raises(InvalidRequest, match="is not a tool"):
        as_tool(candidate)


async def test_arguments_arrive_as_the_types_of_their_hints() -> None:
    seen: list[object] = []

    def f(a: Point, b: Unit, c: Options, d: Range, e: datetime, f: float = 0.5) -> None:
        seen.extend((a, b, c, d, e, f))

    await function_tool(f).call(
        {
            "a": {"x": 1},
            "b": "F",
            "c": {"deep": True},
            "d": {"low": 1, "high": 2.5},
            "e": "2026-01-02T03:04:05Z",
        }
    )
    assert seen == [
        Point(1, 0),
        Unit.fahrenheit,
        {"deep": True},
        Range(1.0, 2.5),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        0.5,
    ]


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["'count'", '"type":"integer"']),
        ({"count": "3"}, ["'count'", "Expected `int`, got `str`", '"type":"integer"']),
        ({"count": True}, ["'count'", "got `bool`"]),
        ({"count": None}, ["'count'", "got `null`"]),
        ({"count": 1.5}, ["'count'", "got `float`"]),
        ({"count": 1, "unit": "K"}, ["'unit'", "'K'", '"enum":["C","F"]']),
        ({"count": 1, "mode": "c"}, ["'mode'", '"enum":["a","b"]']),
        ({"count": 1, "at": {"x": "1"}}, ["'at'", "$.x", '"Point"']),
        ({"count": 1, "flag": "true"}, ["'flag'", "Expected `bool", "boolean"]),
        ({"count": 1, "many": [0, -1]}, ["'many'", "$[1]", '"minimum":0']),
        ({"count": 1, "many": nested(100_000)}, ["'many'", '"minimum":0']),
        ({"count": 1, "color": "red"}, ["'color'", "count, unit, mode, at, flag, many"]),
        ({"count": 1, "self": "x"}, ["'self'"]),
        ({"count": 1, "": "x"}, ["''"]),
        ({"count": 1, "n" * 10_000: 1}, ["nnnn"]),
    ],
)
async def test_a_wrong_argument_is_named_with_what_is_allowed(
    arguments: dict[str, object], expected: list[str]
) -> None:
    def f(
        count: int,
        unit: Unit = Unit.celsius,
        mode: Literal["a", "b"] = "a",
        at: Point | None = None,
        flag: bool = False,
        many: list[Annotated[int, msgspec.Meta(ge=0)]] | None = None,
    ) -> None:
        raise AssertionError("the function must not run")

    with pytest.raises(ToolError) as caught:
        await function_tool(f).call(arguments)
    for each in expected:
        assert each in caught.value.message
    assert len(caught.value.message) < 2000


class Tree(msgspec.Struct):
    children: "list[Tree]" = []


async def test_an_endlessly_nested_argument_is_refused_like_any_invalid_one() -> None:
    def f(tree: Tree) -> None: ...

    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"children": [deep]}
    with pytest.raises(ToolError, match="'tree'"):
        await function_tool(f).call({"tree": deep})


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is\n", "as it is\n"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (True, "true"),
        ([1, "a", None], '[1,"a",null]'),
        ({"a": 1.5}, '{"a":1.5}'),
        (Point(1, 2), '{"x":1,"y":2}'),
        (Range(1, 2), '{"low":1,"high":2}'),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00Z"'),
        (Unit.celsius, '"C"'),
        (Size.large, '"l"'),
        (b"\xff", '"/w=="'),
        ("ünï ❤", "ünï ❤"),
    ],
)
async def test_a_result_becomes_text(result: object, text: str) -> None:
    def plain() -> object:
        return result

    async def waiting() -> object:
        await asyncio.sleep(0)
        return result

    def waiting_inside() -> object:
        return waiting()

    for function in (plain, waiting, waiting_inside):
        assert await function_tool(function).call({}) == text


@pytest.mark.parametrize(
    ("hint", "given", "taken"),
    [
        (int, 7.0, 7),
        (int, -0.0, 0),
        (list[int], [1, 2.0], [1, 2]),
        (int | None, 7.0, 7),
        (Point, {"x": 1.0, "y": 2.0}, Point(1, 2)),
        (Annotated[int, msgspec.Meta(ge=1)], 3.0, 3),
        (Literal[1, 2], 2.0, 2),
        (dict[str, tuple[int, ...]], {"a": [4.0]}, {"a": (4,)}),
        (float, 7.0, 7.0),
        (float, 7, 7.0),
    ],
)
async def test_a_whole_number_is_an_integer_however_it_is_written(
    hint: Any, given: object, taken: object
) -> None:
    got: list[object] = []

    def f(value) -> None:
        got.append(value)

    f.__annotations__["value"] = hint
    await function_tool(f).call({"value": given})
    assert (got, type(got[0])) == ([taken], type(taken))


@pytest.mark.parametrize("given", [7.5, 1e300, 9007199254740994.0, "7", True])
async def test_a_number_that_is_not_an_exact_integer_is_refused(given: object) -> None:
    def f(count: int) -> None:
        raise AssertionError("the function must not run")

    with pytest.raises(ToolError, match="Expected `int`"):
        await function_tool(f).call({"count": given})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no such city"), "ValueError: no such city"),
        (KeyError("k"), "KeyError: 'k'"),
        (RuntimeError(), "RuntimeError"),
        (TimeoutError("late"), "TimeoutError: late"),
        (SystemExit(3), "SystemExit: 3"),
        (ToolError("Try again tomorrow."), "Try again tomorrow."),
        (NotFound("Nothing there."), "Nothing there."),
        (ExceptionGroup("many", [ValueError("x")]), "ExceptionGroup: many (1 sub-exception)"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * 600),
    ],
)
async def test_an_exception_in_the_function_is_a_tool_error_with_type_and_message(
    error: BaseException, expected: str
) -> None:
    def plain() -> None:
        raise error

    async def waiting() -> None:
        raise error

    for function in (plain, waiting):
        with pytest.raises(ToolError) as caught:
            await function_tool(function).call({})
        assert caught.value.message == expected


async def test_stop_iteration_in_a_function_does_not_hang_the_call() -> None:
    def f() -> int:
        return next(iter(()))

    with pytest.raises(ToolError, match="StopIteration"):
        await function_tool(f).call({})


async def test_a_plain_function_runs_beside_the_event_loop_and_an_async_one_on_it() -> None:
    loop_thread = threading.get_ident()
    released = threading.Event()

    def plain() -> str:
        released.wait(timeout=30)
        return str(threading.get_ident() == loop_thread)

    async def waiting() -> str:
        released.set()
        return str(threading.get_ident() == loop_thread)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(function_tool(plain).call({}))
        second = group.create_task(function_tool(waiting).call({}))
    assert (first.result(), second.result()) == ("False", "True")


async def test_cancelling_a_call_reaches_the_async_function() -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    task = asyncio.get_running_loop().create_task(function_tool(endless).call({}))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
