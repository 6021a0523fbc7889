"""Reads values that an older or newer version may have stored."""

import logging
from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)
_log = logging.getLogger(__name__)


def decoded(value: bytes | None, kind: type[S]) -> S | None:
    """Decode a stored value; None if there is none, or it has another format."""
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError:
        _log.warning("a stored %s is unreadable and ignored", kind.__name__.strip("_"))
        return None
