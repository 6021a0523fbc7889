"""JSON text that must not be re-encoded: it is only compacted, extracted or embedded."""

from collections.abc import Iterable

import msgspec

ABSENT = msgspec.Raw(b"null")
"""The default of a raw field, because msgspec has no union of raw and null."""

_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def has_value(raw: msgspec.Raw) -> bool:
    """Return whether there is a value: the field is neither absent nor `null`."""
    return raw is not ABSENT and bytes(raw) != b"null"


def compact(raw: msgspec.Raw) -> str:
    """Return this JSON value without whitespace between tokens."""
    return msgspec.json.format(bytes(raw), indent=-1).decode()


def text_or_compact(raw: msgspec.Raw) -> str:
    """Return the text of a JSON string, or any other JSON value compacted; `null` gives `{}`.

    Tool arguments arrive in either form.
    """
    if not has_value(raw):
        return "{}"
    if bytes(raw).lstrip()[:1] == b'"':
        return msgspec.json.decode(raw, type=str)
    return compact(raw)


def arguments_object(text: str) -> msgspec.Raw:
    """Return tool arguments as a JSON object: the text itself if it is one, otherwise `{}`."""
    try:
        _raw_object.decode(text)
    except msgspec.DecodeError:
        return msgspec.Raw(b"{}")
    return msgspec.Raw(text.encode())


def items_of(payload: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the items of a JSON array, each byte for byte."""
    return _raw_items.decode(payload)


def array_of(items: Iterable[bytes | msgspec.Raw]) -> msgspec.Raw:
    """Return a JSON array of these JSON values, each byte for byte."""
    return msgspec.Raw(b"[" + b",".join(bytes(item) for item in items) + b"]")
