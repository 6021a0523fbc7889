"""Tool results of any type are converted to text."""

import asyncio
import dataclasses
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest
from typing_extensions import override

from thinkaloud.errors import ToolError
from thinkaloud.tools import function_tool


class Unit(Enum):
    celsius = "C"


def nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[object]:
    items: list[object] = [1]
    items.append(items)
    return items


@dataclasses.dataclass
class Node:
    name: str
    up: "Node | None" = None
    down: "list[Node]" = dataclasses.field(default_factory=list)


def tree() -> Node:
    root = Node("root")
    root.down = [Node("leaf", root)]
    return root


def web() -> list[Node]:
    nodes = [Node(str(number)) for number in range(40)]
    for node in nodes:
        node.down = nodes
    return nodes


class Pydantic:
    """Offers what a pydantic model offers."""

    def model_dump(self, *, mode: str) -> dict[str, object]:
        return {"mode": mode}


class Array:
    """Offers what a NumPy array offers."""

    def tolist(self) -> list[float]:
        return [1.0, 2.0]


class Float64(float):
    """Another library's float, like NumPy's scalars."""


class Broken:
    def tolist(self) -> list[float]:
        raise RuntimeError("no list")

    @override
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Path("/tmp/a.txt"), '"/tmp/a.txt"'),
        ({"at": Path("a"), "span": range(3)}, '{"at":"a","span":[0,1,2]}'),
        ([Decimal("1.50"), 2**80, float("nan")], '["1.50",1208925819614629174706176,null]'),
        (MappingProxyType({"a": deque([1])}), '{"a":[1]}'),
        ({(1, 2): "pair", None: 0, Unit.celsius: 1}, '{"(1, 2)":"pair","None":0,"C":1}'),
        ({1j: {2}}, '{"1j":[2]}'),
        (ValueError("no such city"), '"ValueError: no such city"'),
        ({"failed": KeyError("k")}, '{"failed":"KeyError: \'k\'"}'),
        (Pydantic(), '{"mode":"json"}'),
        ([Pydantic(), Array(), Float64(2.5)], '[{"mode":"json"},[1.0,2.0],2.5]'),
        (map(str, [1, 2]), '["1","2"]'),
        ({"a": ["\ud800"]}, '{"a":["?"]}'),
        (circle(), '[1,"[circular]"]'),
        (
            tree(),
            '{"name":"root","up":null,"down":[{"name":"leaf","up":"[circular]","down":[]}]}',
        ),
        (2 + 1j, '"(2+1j)"'),
        (Broken(), '"<Broken>"'),
        (int, "\"<class 'int'>\""),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_result_of_any_type_reaches_the_model(result: object, text: str) -> None:
    assert await function_tool(lambda: result, name="f").call({}) == text


@pytest.mark.parametrize(
    "result",
    [object(), threading.Lock(), nested(100_000), web()],
    ids=lambda each: type(each).__name__,
)
async def test_a_result_that_cannot_be_written_in_full_is_described(result: object) -> None:
    text = await function_tool(lambda: result, name="f").call({})
    assert isinstance(msgspec.json.decode(text), str | list)
    assert len(text) < 1_000_000


async def test_what_a_generator_yields_is_the_result() -> None:
    def lines() -> Iterator[str]:
        yield "one"
        yield "two"

    async def waiting() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0)
        yield 2

    assert await function_tool(lines).call({}) == '["one","two"]'
    assert await function_tool(waiting).call({}) == "[1,2]"


async def test_an_endless_generator_is_cut_and_closed() -> None:
    closed: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.append("plain")

    async def waiting() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        finally:
            closed.append("async")

    for function in (numbers, waiting):
        items = msgspec.json.decode(await function_tool(function).call({}), type=list[int | str])
        assert items[-2:] == [9_999, "[cut after 10,000 items]"]
    assert closed == ["plain", "async"]


async def test_a_generator_that_fails_is_a_tool_error_like_any_failure() -> None:
    def lines() -> Iterator[str]:
        yield "one"
        raise ValueError("no second line")

    with pytest.raises(ToolError, match=r"^ValueError: no second line$"):
        await function_tool(lines).call({})
