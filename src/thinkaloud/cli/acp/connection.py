"""JSON-RPC 2.0 in lines of JSON: reads what the client sends, and writes responses and notifications.

See https://www.jsonrpc.org/specification. Batches are not part of the Agent Client Protocol.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Final, Protocol

import anyio.lowlevel
import msgspec

from thinkaloud.errors import (
    Conflict,
    NotFound,
    ThinkaloudError,
    Unauthorized,
    UnknownModel,
    UserError,
)

MAX_REQUESTS: Final = 64
"""Maximum number of requests that are handled at the same time."""
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
AUTHENTICATION_REQUIRED: Final = -32000
RESOURCE_NOT_FOUND: Final = -32002
_log = logging.getLogger(__name__)


class RpcError(Exception):
    """An error response: a code, a message for people, and data for programs."""

    def __init__(self, code: int, message: str, data: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Handler(Protocol):
    """What answers the client's messages."""

    async def respond(self, method: str, params: msgspec.Raw) -> object:
        """Return the result of a request. Raises `RpcError`, `ThinkaloudError` or `MsgspecError`."""
        ...

    def notice(self, method: str, params: msgspec.Raw) -> None:
        """Handle a notification. Raises `MsgspecError` for invalid parameters."""
        ...


class Output(Protocol):
    """Where messages are written."""

    def write(self, data: bytes) -> Coroutine[object, object, None]:
        """Write whole lines, and wait until the client has room for them."""
        ...


class _Message(msgspec.Struct, frozen=True):
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class _Error(msgspec.Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    data: dict[str, object] | None = None


class _Failure(msgspec.Struct, frozen=True):
    id: int | str | None
    error: _Error
    jsonrpc: str = "2.0"


class _Success(msgspec.Struct, frozen=True):
    id: int | str | None
    result: object
    jsonrpc: str = "2.0"


class _Notification(msgspec.Struct, frozen=True):
    method: str
    params: object
    jsonrpc: str = "2.0"


class Connection:
    """The agent's end of a connection. `group` owns the tasks of the requests."""

    def __init__(self, output: Output, group: asyncio.TaskGroup) -> None:
        self._output = output
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Run this in a task, until `close`."""
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Cancel what is in progress."""
        for task in self._tasks:
            task.cancel()

    async def notify(self, method: str, params: Iterable[object]) -> None:
        """Send a notification for each of these parameters, in one write."""
        await self._output.write(b"".join([_line(_Notification(method, each)) for each in params]))

    async def reject(self, error: RpcError) -> None:
        """Respond to a message whose id is unknown."""
        await self._output.write(_failure(None, error))

    async def receive(self, line: bytes, handler: Handler) -> None:
        """Handle one message. A request is handled in a task of its own."""
        try:
            message = msgspec.json.decode(line, type=_Message)
        except msgspec.ValidationError:
            await self.reject(RpcError(INVALID_REQUEST, "This is not a JSON-RPC request."))
            return
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            await self.reject(RpcError(PARSE_ERROR, "This line is not JSON."))
            return
        if message.method is None:
            return  # A response. Nothing is waiting for one.
        if isinstance(message.id, msgspec.UnsetType):
            try:
                handler.notice(message.method, message.params)
            except (msgspec.DecodeError, RecursionError):
                _log.warning("The client sent an invalid %s notification.", message.method[:100])
            return
        if len(self._tasks) >= MAX_REQUESTS:
            error = RpcError(INTERNAL_ERROR, f"More than {MAX_REQUESTS} requests are in progress.")
            await self._output.write(_failure(message.id, error))
            return
        self.start(self._respond(message.id, message.method, message.params, handler))
        # Let the task start, so that a cancellation in the next line finds the prompt.
        await anyio.lowlevel.checkpoint()

    async def _respond(
        self, request_id: int | str | None, method: str, params: msgspec.Raw, handler: Handler
    ) -> None:
        try:
            response = _line(_Success(request_id, await handler.respond(method, params)))
        except RpcError as error:
            response = _failure(request_id, error)
        except ThinkaloudError as error:
            response = _failure(request_id, _converted(error))
        except (msgspec.DecodeError, RecursionError) as error:
            response = _failure(request_id, RpcError(INVALID_PARAMS, f"Invalid params: {error}"))
        except Exception:  # noqa: BLE001 - a failed request must not end the agent
            _log.exception("%s failed", method[:100])
            response = _failure(request_id, RpcError(INTERNAL_ERROR, "An internal error occurred."))
        await self._output.write(response)


def _converted(error: ThinkaloudError) -> RpcError:
    match error:
        case Unauthorized():
            code = AUTHENTICATION_REQUIRED
        case UnknownModel():
            code = INVALID_PARAMS
        case NotFound():
            code = RESOURCE_NOT_FOUND
        case Conflict():
            code = INVALID_REQUEST
        case UserError():
            code = INVALID_PARAMS
        case _:
            code = INTERNAL_ERROR
    return RpcError(code, error.message, {"code": error.code})


def _failure(request_id: int | str | None, error: RpcError) -> bytes:
    return _line(_Failure(request_id, _Error(error.code, error.message, error.data)))


def _line(message: msgspec.Struct) -> bytes:
    return msgspec.json.encode(message) + b"\n"
