"""Parses bodies, queries and headers into typed values. Errors name the invalid field."""

import asyncio
import re
from functools import cache
from typing import Final, TypeVar, cast

import msgspec
import msgspec.inspect
from starlette.requests import ClientDisconnect, Request

from thinkaloud.errors import InvalidRequest
from thinkaloud.server.http.allowed_values import allowed_at
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.settings import ServerSettings

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_LONE_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]"
)
_PARAMETER: Final = r';\s*(?:(?!charset\b)[\w.+-]+\s*=\s*[^;]*|charset\s*=\s*"?utf-?8"?\s*)?'
_JSON_TYPE: Final = re.compile(rf"application/json\s*(?:{_PARAMETER})*\Z", re.IGNORECASE)
_FORM_TYPES: Final = frozenset(
    {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,30}\Z")
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
"""Boolean values in a query, case-insensitive."""
_BOM: Final = b"\xef\xbb\xbf"
_PATH: Final = re.compile(r" - at `(?:key in )?\$\.?(.*)`\Z", re.DOTALL)
_REQUIRED: Final = re.compile(r"missing required field `(.*?)`")
_NO_SUCH_VALUE: Final = "Invalid enum value"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")


class NotJson(Refused):
    """The text is not valid JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(400, "malformed_json", f"This is not valid JSON: {reason}.")


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """Read a JSON body within the size and time limits. Raises `Refused`."""
    require_json(request)
    return await read_limited(request, settings, settings.max_body_bytes)


async def read_json(request: Request, kind: type[T], settings: ServerSettings) -> T:
    """Read and decode a JSON body. Raises `Refused` or `InvalidRequest`."""
    return decode(await read_body(request, settings), kind, settings)


async def read_limited(request: Request, settings: ServerSettings, limit: int) -> bytes:
    """Read a body of at most `limit` bytes within the time limit. Raises `Refused`."""
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
        raise Refused(
            400, "disconnected", "The client disconnected before it had sent the whole body."
        ) from None
    return b"".join(chunks)


def require_json(request: Request) -> None:
    """Reject a body that is not JSON; web pages can send other types without a CORS preflight."""
    found = request.headers.get("content-type")
    if found is None or not _JSON_TYPE.match(found.strip()):
        raise Refused(415, "unsupported_media_type", "The body must be application/json, in UTF-8.")


def refuse_form(request: Request) -> None:
    """For requests without a body: reject types that other sites can send without a preflight."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found in _FORM_TYPES:
        raise Refused(415, "unsupported_media_type", f"{found} is not accepted here.")


def decode(data: bytes, kind: type[T], settings: ServerSettings) -> T:
    """Decode JSON to a value of this type, without converting between strings and numbers.

    Optional fields can also be null. Raises `Refused` (400) if the data is not valid JSON, and
    `InvalidRequest` with the field if a value has the wrong type.
    """
    if _depth_exceeds(data, settings.max_json_depth):
        raise Refused(
            400,
            "malformed_json",
            f"The JSON is more than {settings.max_json_depth} levels deep.",
        )
    try:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.ValidationError:
            if b"null" not in data:
                raise
            return msgspec.convert(_without_nulls(msgspec.json.decode(data), kind), kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from None
    except msgspec.DecodeError as error:
        if has_lone_surrogate(data):
            raise NotJson("half a surrogate pair in a string") from None
        if data.startswith(_BOM):
            raise NotJson("it begins with a byte order mark") from None
        raise NotJson(str(error)) from None
    except UnicodeDecodeError:
        raise Refused(400, "malformed_json", "This is not valid UTF-8.") from None


def has_lone_surrogate(data: bytes) -> bool:
    """Whether a JSON text contains a lone surrogate, which cannot be encoded as UTF-8."""
    return _LONE_SURROGATE.search(data) is not None


def read_query(request: Request, kind: type[Q]) -> Q:
    """Parse the query. Booleans are `true`, `1`, `yes`, `on` or their opposites, in any case.

    Raises `InvalidRequest` with the parameter's name. Unknown parameters are ignored.
    """
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name in known]
    texts = _fields(kind, msgspec.inspect.StrType)
    booleans = _fields(kind, msgspec.inspect.BoolType)
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequest(f"{name} is given more than once.", field=name)
        if name in booleans:
            values[name] = _boolean(name, value)
        else:
            values[name] = value if name in texts or not _NUMBER.match(value) else int(value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), kind) from None


def last_event_id(request: Request, after: int | None) -> int | None:
    """Return the cursor of an event stream: `Last-Event-ID`, else `after`.

    A reconnecting browser sends the header with the original URL. Raises `InvalidRequest` if the
    header is not a number.
    """
    value = request.headers.get("last-event-id")
    if value is None or value == "":
        return after
    if not re.match(r"[0-9]{1,18}\Z", value):
        raise InvalidRequest("Last-Event-ID must be a number, 0 or greater.", field="Last-Event-ID")
    return int(value)


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key`, if any. Raises `InvalidRequest` if it is malformed."""
    value = request.headers.get("idempotency-key")
    if value is not None and not _KEY.match(value):
        raise InvalidRequest(
            "Idempotency-Key must be 1 to 255 visible ASCII characters.", field="Idempotency-Key"
        )
    return value


@cache
def _fields(kind: type[msgspec.Struct], of: type[msgspec.inspect.Type]) -> frozenset[str]:
    """Return the names of the fields of this type."""
    found = msgspec.inspect.type_info(kind)
    fields = found.fields if isinstance(found, msgspec.inspect.StructType) else ()
    return frozenset(
        field.encode_name for field in fields if isinstance(_without_metadata(field.type), of)
    )


@cache
def optional_members(kind: type) -> frozenset[str]:
    """Return the optional fields whose type does not include null."""
    found = msgspec.inspect.type_info(kind)
    fields = found.fields if isinstance(found, msgspec.inspect.StructType) else ()
    return frozenset(
        field.encode_name
        for field in fields
        if not field.required and not _takes_null(_without_metadata(field.type))
    )


def _takes_null(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return kind.includes_none
    return isinstance(kind, msgspec.inspect.AnyType | msgspec.inspect.NoneType)


def _without_nulls(value: object, kind: type) -> object:
    """Remove optional fields that are null."""
    if not isinstance(value, dict):
        return value
    optional = optional_members(kind)
    members = cast("dict[str, object]", value)
    return {
        name: each for name, each in members.items() if each is not None or name not in optional
    }


def _without_metadata(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _boolean(name: str, value: str) -> bool:
    found = _BOOLEANS.get(value.lower())
    if found is None:
        raise InvalidRequest(f"{name} must be true or false.", field=name, valid=("true", "false"))
    return found


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
    """Whether brackets are nested more than `limit` deep. Takes at most `limit` passes in C."""
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
