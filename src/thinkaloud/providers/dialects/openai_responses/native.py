"""Prepares a response's output items to be sent back without server-side storage.

The result follows two rules of OpenAI: a reasoning item is followed by the item it preceded, and
an item that refers to its reasoning by id is never sent back without it. Source:
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
"""

import msgspec

from thinkaloud.providers.dialects.openai_responses.quirks import Quirks

Record = dict[str, msgspec.Raw]
"""An item whose values are still the provider's original bytes."""

MESSAGE = "message"
REASONING = "reasoning"
CALL = "function_call"

_records = msgspec.json.Decoder(Record)
_parts = msgspec.json.Decoder(list[Record])
_NULL = b"null"


class OutputItem(msgspec.Struct, frozen=True):
    """One item of the output."""

    kind: str
    record: Record
    complete: bool = True
    """False if the item was rebuilt from its deltas because its end event was missing."""


def record(raw: bytes) -> Record:
    """Read an item.

    Raises `msgspec.DecodeError` if it is not an object, and `UnicodeDecodeError` if it is not
    UTF-8, because unread fields would be sent back unchecked.
    """
    return _records.decode(raw.decode())


def raw(value: object) -> msgspec.Raw:
    """Return a value as JSON bytes, as in a record."""
    return msgspec.Raw(msgspec.json.encode(value))


def call_record(record: Record, call_id: str, name: str, arguments: str) -> Record:
    """Return a call's record with these values set, if they differ or are missing."""
    ours = {"call_id": call_id, "name": name, "arguments": arguments}
    if bytes(record.get("arguments", msgspec.Raw(b"{"))).startswith(b"{"):
        # Arguments received as an object are complete, and are sent back as one.
        del ours["arguments"]
    changed = {
        key: raw(value)
        for key, value in ours.items()
        if key not in record or msgspec.json.decode(record[key]) != value
    }
    return {**record, **changed} if changed else record


def payload(items: list[OutputItem], quirks: Quirks, *, truncated: bool) -> msgspec.Raw | None:
    """Return the JSON array to send back, or None if nothing is left.

    `truncated`: the response was cut off by a limit, so nothing followed its last reasoning.
    """
    kept = [item for item in items if item.complete or item.kind in {MESSAGE, CALL}]
    if not quirks.bare_reasoning:
        kept = [item for item in kept if not _is_bare(item)]
    anonymous = len(kept) < len(items) or not all(item.complete for item in kept)
    if anonymous:
        kept = [item for item in kept if item.kind in {MESSAGE, REASONING, CALL}]
    if truncated or not quirks.trailing_reasoning:
        while kept and kept[-1].kind == REASONING:
            kept.pop()
    if quirks.reasoning_before_each_call:
        kept = _reasoning_before_each_call(kept)
    if not kept:
        return None
    strip = anonymous or quirks.item_ids == "strip"
    return raw([_adapted(item, quirks, strip=strip) for item in kept])


def _is_bare(item: OutputItem) -> bool:
    if item.kind != REASONING:
        return False
    empty = (None, _NULL, b"[]", b'""')
    held = (item.record.get(name) for name in ("encrypted_content", "content"))
    return all((None if value is None else bytes(value)) in empty for value in held)


def _reasoning_before_each_call(items: list[OutputItem]) -> list[OutputItem]:
    spread: list[OutputItem] = []
    reasoning: OutputItem | None = None
    for item in items:
        follows_call = bool(spread) and spread[-1].kind == CALL
        if item.kind == REASONING:
            reasoning = item
        elif item.kind == CALL and reasoning is not None and follows_call:
            spread.append(reasoning)
        spread.append(item)
    return spread


def _adapted(item: OutputItem, quirks: Quirks, *, strip: bool) -> Record:
    omits = quirks.item_omits.get(item.kind, ())
    fit = {
        name: value
        for name, value in item.record.items()
        if name not in omits and bytes(value) != _NULL
    }
    if strip and item.kind in {MESSAGE, REASONING, CALL}:
        fit.pop("id", None)
    content = fit.get("content")
    if item.kind == REASONING and content is not None and bytes(content) == b"[]":
        del fit["content"]
    if item.kind == MESSAGE and content is not None and bytes(content).startswith(b"["):
        fit["content"] = raw(
            [
                {name: value for name, value in part.items() if name not in quirks.part_omits}
                for part in _parts.decode(content)
            ]
        )
    return fit
