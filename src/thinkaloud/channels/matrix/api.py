"""Calls to a homeserver through matrix-nio, with its errors translated into the layer's.

Messages of errors never contain the token or the password.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from aiohttp import ClientError, ClientResponse
from nio import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncClient,
    AsyncClientConfig,
    EncryptionError,
    ErrorResponse,
    Event,
    LocalProtocolError,
    MegolmEvent,
    RoomSendResponse,
    SyncResponse,
    WhoamiResponse,
)
from nio.store import DefaultStore, SqliteMemoryStore  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.channels.matrix.settings import MatrixSettings
from thinkaloud.channels.platform.errors import (
    Misconfigured,
    PlatformError,
    Rejected,
    RetryLater,
    Transient,
    network_reason,
)

R = TypeVar("R")

_TIMEOUT: Final = 30
"""Seconds for a call."""
_TYPING_MS: Final = 30_000
_DEVICE: Final = "thinkaloud"
_UNAUTHORIZED: Final = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED"})
_FILTER: Final[dict[Any, Any]] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": 50},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}
_log = logging.getLogger(__name__)


class Unauthorized(Transient):
    """The homeserver doesn't accept the token."""


class Device(msgspec.Struct, frozen=True):
    """The login of a device, as it is kept."""

    homeserver: str
    user_id: str
    device_id: str
    access_token: str


class Api:
    """An account on a homeserver. Raises `Misconfigured` if its address can't be one."""

    def __init__(self, settings: MatrixSettings, folder: Path | None) -> None:
        self.homeserver = settings.homeserver.rstrip("/")
        if urlsplit(self.homeserver).scheme not in {"http", "https"}:
            raise Misconfigured("homeserver has to be an address like https://matrix.example.org")
        self._settings = settings
        self._folder = folder
        store = DefaultStore if folder is not None else SqliteMemoryStore
        self.nio = AsyncClient(
            self.homeserver,
            settings.user_id,
            store_path=str(folder) if folder is not None else "",
            config=AsyncClientConfig(
                store=store if settings.encryption else None,
                encryption_enabled=settings.encryption,
                max_limit_exceeded=0,
                max_timeouts=0,
                request_timeout=_TIMEOUT,
            ),
        )

    async def use_token(self, token: str) -> Device:
        """Check a token and return what it belongs to. Raises `Unauthorized`."""
        self.nio.access_token = token
        found = cast("WhoamiResponse", await self._call("whoami", self.nio.whoami()))
        return Device(self.homeserver, found.user_id, found.device_id or "", token)

    async def log_in(self, password: str, device_id: str | None = None) -> Device:
        """Log in with a password, as a device that is known or as a new one."""
        self.nio.device_id = device_id or ""
        await self._make_folder()
        await self._call("login", self.nio.login(password, device_name=_DEVICE))
        return Device(self.homeserver, self.nio.user_id, self.nio.device_id, self.nio.access_token)

    async def open_device(self, device: Device) -> None:
        """Use this device from now on, with its encryption keys."""
        self.nio.user_id, self.nio.device_id = device.user_id, device.device_id
        self.nio.access_token = device.access_token
        if self._settings.encryption and not self.nio.store:
            await self._make_folder()
            self.nio.load_store()

    async def sync(self, since: str | None) -> SyncResponse:
        """Wait for events. With `since`, returns the state of all rooms and the events after it, without waiting."""
        first = not self.nio.next_batch
        call = self.nio.sync(
            timeout=0 if first else _TIMEOUT * 1000,
            sync_filter=_FILTER,
            since=since,
            full_state=first,
        )
        return cast("SyncResponse", await self._call("sync", call))

    async def exchange_keys(self) -> None:
        """Do what encryption needs after each sync."""
        nio = self.nio
        if not nio.olm:
            return
        try:
            await nio.send_to_device_messages()
            if nio.should_upload_keys:
                await self._call("keys/upload", nio.keys_upload())
            if nio.should_query_keys:
                await self._call("keys/query", nio.keys_query())
            if nio.should_claim_keys:
                claimed = cast("dict[str, Any]", nio.get_users_for_key_claiming())
                await self._call("keys/claim", nio.keys_claim(claimed))
        except (PlatformError, LocalProtocolError) as error:
            _log.warning("matrix: encryption keys were not exchanged: %s", error)

    async def join(self, room_id: str) -> None:
        """Accept an invitation."""
        await self._call("join", self.nio.join(room_id))

    async def type(self, room_id: str, *, on: bool) -> None:
        """Show or hide the typing indicator."""
        if room_id in self.nio.rooms:
            await self._call("typing", self.nio.room_typing(room_id, on, timeout=_TYPING_MS))

    def encrypts(self, room_id: str) -> bool:
        """Whether messages in a room are encrypted."""
        room = self.nio.rooms.get(room_id)
        return room is not None and room.encrypted

    async def send(self, room_id: str, content: dict[str, Any], transaction: str) -> str:
        """Send a message and return its id. The same transaction sends it only once.

        Raises `Rejected` if the bot isn't in the room, or can't encrypt for it.
        """
        room = self.nio.rooms.get(room_id)
        if room is None:
            raise Rejected("the bot is not in the room")
        if room.encrypted and not self.nio.olm:
            raise Rejected("the room is encrypted, and channels.matrix.encryption is false")
        call = self.nio.room_send(
            room_id, "m.room.message", content, transaction, ignore_unverified_devices=True
        )
        return cast("RoomSendResponse", await self._call("send", call)).event_id

    async def event(self, room_id: str, event_id: str) -> Mapping[str, Any]:
        """Return an event, decrypted if possible."""
        response = await self._call("event", self.nio.room_get_event(room_id, event_id))
        event = cast("Event", getattr(response, "event", None))
        if isinstance(event, MegolmEvent):
            event = self.decrypted(event) or event
        return cast("Mapping[str, Any]", getattr(event, "source", {}))

    def decrypted(self, event: MegolmEvent) -> Event | None:
        """Decrypt an event; None if its key has not arrived."""
        try:
            return cast("Event", self.nio.decrypt_event(event))
        except (EncryptionError, LocalProtocolError):
            return None

    async def close(self) -> None:
        """Close all connections."""
        await self.nio.close()
        if self.nio.store:
            self.nio.store.database.close()

    async def _make_folder(self) -> None:
        if self._folder is not None and self._settings.encryption:
            await asyncio.to_thread(self._folder.mkdir, 0o700, parents=True, exist_ok=True)

    async def _call(self, what: str, call: Awaitable[R | ErrorResponse]) -> R:
        try:
            response = await call
        except (TimeoutError, ClientError, OSError) as error:
            raise Transient(f"{what}: {network_reason(error)}") from None
        except LocalProtocolError as error:
            raise Transient(f"{what}: {network_reason(error)}") from error
        if isinstance(response, ErrorResponse):
            raise translated(what, response)
        return response


def translated(what: str, error: ErrorResponse) -> PlatformError:
    """Return the layer's error for one of nio's. The limits of a homeserver are per account."""
    transport = cast("ClientResponse | None", error.transport_response)
    status = transport.status if transport is not None else 0
    if status == 429 or error.status_code == "M_LIMIT_EXCEEDED":
        return RetryLater((error.retry_after_ms or 5_000) / 1000, "channel")
    if error.status_code in _UNAUTHORIZED:
        return Unauthorized(f"{what}: the access token is not accepted")
    if not error.status_code or status >= 500:
        return Transient(f"{what}: the homeserver failed (status {status})")
    return Rejected(f"{what}: {error.status_code}: {error.message[:200]}")
