"""Bodies, queries and headers as typed values. Everything wrong is named by its field."""

import asyncio
import re
from functools import cache
from typing import Final, TypeVar

import msgspec
import msgspec.inspect
from starlette.requests import ClientDisconnect, Request

from thinkaloud.errors import InvalidRequest
from thinkaloud.server.allowed import allowed_at
from thinkaloud.server.problems import Refused
from thinkaloud.server.settings import ServerSettings

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]"
)
_JSON_TYPE: Final = re.compile(
    r'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?\Z', re.IGNORECASE
)
_FORM_TYPES: Final = frozenset(
    {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}\Z")
_PATH: Final = re.compile(r" - at `(?:key in )?\$\.?(.*)`\Z", re.DOTALL)
_REQUIRED: Final = re.compile(r"missing required field `(.*?)`")
_NO_SUCH_VALUE: Final = "Invalid enum value"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """Read a JSON body within the limits on type, size and time. Raises `Refused`."""
    require_json(request)
    return await read_limited(request, settings, settings.max_body_bytes)


async def read_limited(request: Request, settings: ServerSettings, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, within the limit on time. Raises `Refused`."""
    if int(request.headers.get("content-length") or 0) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise Refused(
            408,
            "body_timeout",
            "The body took too long to arrive.",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise Refused(400, "disconnected", "The client left before the body was whole.") from None
    return b"".join(chunks)


def require_json(request: Request) -> None:
    """Refuse a body of any type but JSON, and a type that a web page may send unasked."""
    found = request.headers.get("content-type")
    if found is None or not _JSON_TYPE.match(found.strip()):
        raise Refused(415, "unsupported_media_type", "The body must be application/json, in UTF-8.")


def refuse_form(request: Request) -> None:
    """Refuse, where no body is wanted, the types that a web page may send to another site."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found in _FORM_TYPES:
        raise Refused(415, "unsupported_media_type", f"No {found} is taken here.")


def decode(data: bytes, kind: type[T], settings: ServerSettings) -> T:
    """Decode JSON to a value of this kind, strictly: no number is a text, no text a number.

    Raises `Refused` (400) where it is no JSON, and `InvalidRequest` with the field where a value
    has the wrong type.
    """
    if _depth_exceeds(data, settings.max_json_depth):
        raise Refused(
            400,
            "malformed_json",
            f"The JSON is more than {settings.max_json_depth} levels deep.",
        )
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from None
    except msgspec.DecodeError as error:
        lone = _LONE_SURROGATE.search(data)
        reason = "half a surrogate pair in a string" if lone else str(error)
        raise Refused(400, "malformed_json", f"This is not valid JSON: {reason}.") from None
    except UnicodeDecodeError:
        raise Refused(400, "malformed_json", "This is not valid UTF-8.") from None


def read_query(request: Request, kind: type[Q]) -> Q:
    """Read the query. Only `true` and `false` are booleans, only digits numbers.

    Raises `InvalidRequest` with the parameter's name. Parameters that are not known are ignored.
    """
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name in known]
    texts = _texts(kind)
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequest(f"{name} is given twice.", field=name)
        values[name] = value if name in texts else _scalar(value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from None


def last_event_id(request: Request, after: int | None) -> int | None:
    """Return the cursor of an event stream: `Last-Event-ID`, else `after`.

    A browser that reconnects sends the header, and the address it first had. Raises
    `InvalidRequest` where the header is no number.
    """
    value = request.headers.get("last-event-id")
    if value is None or value == "":
        return after
    if not re.match(r"[0-9]{1,18}\Z", value):
        raise InvalidRequest("Last-Event-ID is not a number from 0 on.", field="Last-Event-ID")
    return int(value)


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key`. Raises `InvalidRequest` where it has no usable form."""
    value = request.headers.get("idempotency-key")
    if value is not None and not _KEY.match(value):
        raise InvalidRequest(
            "Idempotency-Key is 1 to 255 visible ASCII characters.", field="Idempotency-Key"
        )
    return value


@cache
def _texts(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the parameters whose value is a text, whatever it looks like."""
    found = msgspec.inspect.type_info(kind)
    fields = found.fields if isinstance(found, msgspec.inspect.StructType) else ()
    return frozenset(
        field.encode_name
        for field in fields
        if isinstance(_bare(field.type), msgspec.inspect.StrType)
    )


def _bare(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _scalar(value: str) -> object:
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if _NUMBER.match(value) else value


def _invalid(message: str, kind: type) -> InvalidRequest:
    required = _REQUIRED.search(message)
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    if required:
        path = f"{path}.{required.group(1)}" if path else required.group(1)
    text = _PATH.sub("", message)
    valid = allowed_at(kind, path) if text.startswith(_NO_SUCH_VALUE) else ()
    named = f"{path}: {text}." if path else f"{text}."
    if valid:
        named += f" Valid: {', '.join(valid)}."
    return InvalidRequest(named, field=path or "body", valid=valid)


def _depth_exceeds(data: bytes, limit: int) -> bool:
    """Whether brackets stand in each other more than `limit` deep: at most `limit` passes in C."""
    if data.count(b"{") + data.count(b"[") <= limit:
        return False
    left = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    for _ in range(limit):
        shorter = left.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(left):
            break
        left = shorter
    return len(left) > limit


def _too_large(limit: int) -> Refused:
    return Refused(413, "body_too_large", f"The body is larger than {limit:,} bytes.")
