"""The stored form of keys."""

import msgspec

from thinkaloud.ports.keys import ApiKey


def key_record(key: ApiKey) -> bytes:
    """Return a key as JSON, without its last use. Records of equal keys are equal."""
    return msgspec.json.encode(msgspec.structs.replace(key, last_used_ms=None), order="sorted")


def key_of(record: bytes, last_used_ms: int | None) -> ApiKey:
    """Return the key of a record. Raises `ValueError` if it cannot be read."""
    try:
        key = msgspec.json.decode(record, type=ApiKey)
    except msgspec.MsgspecError as error:
        raise ValueError(f"a key is damaged, or a newer thinkaloud wrote it ({error})") from error
    return msgspec.structs.replace(key, last_used_ms=last_used_ms)
