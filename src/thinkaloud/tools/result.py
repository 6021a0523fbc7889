"""Converts a tool's result to text for the model.

The function has already run by then, so conversion never fails because of a type: values without a
JSON form are converted to the closest one or, as a last resort, to their `str()`.
"""

import dataclasses
import os
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from itertools import islice
from typing import Final, cast

import msgspec

from thinkaloud.errors import ThinkaloudError, ToolError

MAX_ITEMS: Final = 10_000
"""Maximum number of items taken from an iterable other than a list, which may be infinite."""

_MORE: Final = f"[cut after {MAX_ITEMS:,} items]"
_MAX_DEPTH: Final = 50
_MAX_MESSAGE: Final = 600
_UNENCODABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)


def result_text(result: object) -> str:
    """Return a str unchanged, "" for None, and JSON for anything else.

    Iterators, ranges and other collections become arrays; paths and exceptions become strings;
    objects with `model_dump` (pydantic) or `tolist` (NumPy, pandas) are converted with it; anything
    else becomes its `str()`. Raises `ToolError` only if an iterator of the tool raises.
    """
    if result is None:
        return ""
    if isinstance(result, str) and not isinstance(result, Enum):
        return str(result)
    try:
        return msgspec.json.encode(result, enc_hook=_nearest).decode()
    except _UNENCODABLE:
        return msgspec.json.encode(_Simplifier().simplified(result)).decode()


async def collected(results: AsyncIterable[object]) -> list[object]:
    """Return the items of an async iterable, up to `MAX_ITEMS`."""
    items: list[object] = []
    async for item in results:
        if len(items) == MAX_ITEMS:
            items.append(_MORE)
            break
        items.append(item)
    close = getattr(results, "aclose", None)
    if close is not None:
        await close()
    return items


def failure(error: BaseException) -> ToolError:
    """Return an exception in a tool as an error for the model, with its type and message."""
    if isinstance(error, ThinkaloudError):
        return error if isinstance(error, ToolError) else ToolError(error.message)
    return ToolError(_exception_text(error))


def _nearest(value: object) -> object:  # noqa: PLR0911 - one per kind of value
    """Return the closest value that is nearer to JSON."""
    match value:
        case Enum():
            return value.value
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case BaseException():
            return _exception_text(value)
        case os.PathLike():
            return os.fsdecode(cast("os.PathLike[str]", value))
        case Mapping():
            return dict(cast("Mapping[object, object]", value))
        case type():
            return _described(cast("object", value))
        case _:
            return _converted(value)


def _converted(value: object) -> object:
    """Return what the value offers: `model_dump()`, `tolist()`, its items, or its `str()`."""
    with suppress(Exception):
        dump = getattr(value, "model_dump", None)
        if callable(dump):
            return dump(mode="json")
        as_list = getattr(value, "tolist", None)
        if callable(as_list):
            return as_list()
    if isinstance(value, Iterable):
        return _items(cast("Iterable[object]", value))
    return _described(value)


def _items(values: Iterable[object]) -> list[object]:
    try:
        iterator = iter(values)
        items = list(islice(iterator, MAX_ITEMS))
        if len(items) == MAX_ITEMS and next(iterator, iterator) is not iterator:
            items.append(_MORE)
    except Exception as error:
        raise failure(error) from error
    if isinstance(values, Iterator):
        close = getattr(values, "close", None)
        if callable(close):
            close()
    return items


class _Simplifier:
    """Builds plain JSON values from what msgspec rejects: odd keys, cycles, lone surrogates.

    Visits a bounded number of values, since linked objects may have endless paths.
    """

    def __init__(self) -> None:
        self._left = MAX_ITEMS
        self._above: list[int] = []

    def simplified(self, value: object) -> object:
        """Return a value and everything in it as plain JSON values."""
        if value is None or type(value) in {bool, int, float}:
            return value
        if isinstance(value, str) and not isinstance(value, Enum):
            return _encodable(value)
        if id(value) in self._above:
            return "[circular]"
        if self._left == 0 or len(self._above) == _MAX_DEPTH:
            return "[cut]"
        self._left -= 1
        self._above.append(id(value))
        try:
            return self._parts(value)
        finally:
            self._above.pop()

    def _parts(self, value: object) -> object:
        members = _children(value)
        if isinstance(members, dict):
            return {_key(key): self.simplified(each) for key, each in members.items()}
        if isinstance(members, list):
            return [self.simplified(each) for each in members]
        try:
            return msgspec.to_builtins(value, str_keys=True)
        except _UNENCODABLE:
            return self.simplified(_nearest(value))


def _children(value: object) -> dict[object, object] | list[object] | None:
    """Return the members of a value, one level deep; None if it has none."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, list | tuple | set | frozenset):
        return list(cast("Iterable[object]", value))
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in dataclasses.fields(value))
    else:
        return None
    return {name: getattr(value, name, None) for name in names}


def _key(key: object) -> str:
    text = str(key.value) if isinstance(key, Enum) else _described(key)
    return _encodable(text)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _exception_text(error: BaseException) -> str:
    message = _described(error)[:_MAX_MESSAGE]
    name = type(error).__name__
    return f"{name}: {message}" if message else name


def _described(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a __str__ may raise anything
        return f"<{type(value).__name__}>"
