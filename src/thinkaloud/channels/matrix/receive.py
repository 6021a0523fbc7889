"""Receives events by syncing and delivers them to the inbox.

nio's own loop is not used: it stores the position before events are handled.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, cast

import msgspec
from nio import (  # pyright: ignore[reportMissingTypeStubs]
    Event,
    MatrixInvitedRoom,
    MatrixRoom,
    MegolmEvent,
    SyncResponse,
)
from nio.responses import RoomInfo  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.channels.matrix.api import Api, Device, Unauthorized
from thinkaloud.channels.matrix.display import Display
from thinkaloud.channels.matrix.files import download
from thinkaloud.channels.matrix.read import (
    Reference,
    Room,
    content_of,
    read_message,
    read_reaction,
    redacted_by,
    reply_to,
    text_of,
)
from thinkaloud.channels.platform.errors import PlatformError, RetryLater, Transient
from thinkaloud.channels.platform.message import Origin, Sender
from thinkaloud.channels.platform.platform import Inbox, PlatformContext
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tasks import owned_tasks

_KEY: Final = "position"
_RETRIES: Final = 3
"""How often a failed sync is repeated before the channel counts as disconnected."""
_JOIN_ATTEMPTS: Final = 10
_MOST_JOINS: Final = 20
"""The most invitations that are accepted at a time; the others are accepted after the next sync."""
_BEFORE_JOIN_MS: Final = 300_000
"""How old a message may be that was written before the bot accepted the invitation."""
_MOST_UNREADABLE: Final = 200
_log = logging.getLogger(__name__)


class Position(msgspec.Struct, frozen=True):
    """Up to where events were handled."""

    user_id: str
    homeserver: str
    batch: str


class Receiver:
    """The events of one account."""

    def __init__(
        self, context: PlatformContext, api: Api, display: Display, *, auto_join: bool
    ) -> None:
        self._name = context.name
        self._clock: Clock = context.clock
        self._storage = context.storage
        self._api = api
        self._display = display
        self._auto_join = auto_join
        self._joining: set[str] = set()
        self._unreadable: OrderedDict[str, tuple[str, MegolmEvent]] = OrderedDict()

    async def run(self, device: Device, inbox: Inbox, ready: Callable[[], None]) -> None:
        """Receive until cancelled. Raises `Transient` if that fails several times, or `Unauthorized`."""
        kept = decoded(await self._storage.get(_KEY), Position)
        same = kept is not None and (kept.user_id, kept.homeserver) == (
            device.user_id,
            device.homeserver,
        )
        since = kept.batch if kept is not None and same else None
        async with owned_tasks() as tasks:
            try:
                first = await self._sync(since)
                await self._api.exchange_keys()
                ready()
                # Without a position, the channel is new: what was written before isn't for it.
                rooms = set(self._api.nio.rooms)
                await self._handle(first, inbox, rooms, tasks, messages=since is not None)
                await self._keep(device, first)
                while True:
                    known = set(self._api.nio.rooms)
                    response = await self._sync(None)
                    await self._api.exchange_keys()
                    await self._handle(response, inbox, known, tasks)
                    if response.next_batch:
                        await self._keep(device, response)
            finally:
                self._joining.clear()

    async def _sync(self, since: str | None) -> SyncResponse:
        failures = 0
        while True:
            try:
                return await self._api.sync(since)
            except Unauthorized:
                raise
            except RetryLater as error:
                await self._clock.sleep(error.seconds)
            except Transient as error:
                failures += 1
                if failures > _RETRIES:
                    raise
                _log.warning("%s: %s", self._name, error)
                await self._clock.sleep(2.0**failures)

    async def _keep(self, device: Device, response: SyncResponse) -> None:
        position = Position(device.user_id, device.homeserver, response.next_batch)
        await self._storage.put(_KEY, msgspec.json.encode(position))

    async def _handle(
        self,
        response: SyncResponse,
        inbox: Inbox,
        known: set[str],
        tasks: asyncio.TaskGroup,
        *,
        messages: bool = True,
    ) -> None:
        if messages:
            await self._retry_unreadable(inbox)
            for room_id, info in response.rooms.join.items():
                await self._timeline(room_id, info, inbox, is_new=room_id not in known)
        if self._auto_join:
            for room_id, room in list(self._api.nio.invited_rooms.items()):
                if room_id not in self._joining and len(self._joining) < _MOST_JOINS:
                    self._joining.add(room_id)
                    tasks.create_task(self._join(room_id, room, inbox))

    async def _timeline(self, room_id: str, info: RoomInfo, inbox: Inbox, *, is_new: bool) -> None:
        for event in cast("list[Event]", info.timeline.events):
            source = cast("Mapping[str, Any]", event.source)
            if is_new and _age_ms(source) > _BEFORE_JOIN_MS:
                continue
            if isinstance(event, MegolmEvent):
                self._unreadable[event.event_id] = (room_id, event)
                if len(self._unreadable) > _MOST_UNREADABLE:
                    self._unreadable.popitem(last=False)
                continue
            await self._event(room_id, source, inbox)

    async def _retry_unreadable(self, inbox: Inbox) -> None:
        """Read encrypted events whose key has arrived after them."""
        for event_id, (room_id, event) in list(self._unreadable.items()):
            readable = self._api.decrypted(event)
            if readable is not None:
                del self._unreadable[event_id]
                await self._event(room_id, cast("Mapping[str, Any]", readable.source), inbox)

    async def _event(self, room_id: str, event: Mapping[str, Any], inbox: Inbox) -> None:
        found = self._api.nio.rooms.get(room_id)
        kind, sender = event.get("type"), event.get("sender")
        if found is None or not isinstance(sender, str):
            return
        if kind == "m.room.redaction":
            if deleted := redacted_by(event):
                self._display.deleted(deleted)
        elif sender == self._api.nio.user_id:
            return
        elif kind == "m.reaction":
            await self._reaction(event, sender, found, inbox)
        elif kind == "m.room.message":
            await self._message(event, sender, found, inbox)

    async def _message(
        self, event: Mapping[str, Any], sender: str, found: MatrixRoom, inbox: Inbox
    ) -> None:
        me = self._api.nio.user_id
        room = Room(
            found.room_id, is_group(found), me, found.users[me].name if me in found.users else ""
        )
        replied = await self._replied(event, found.room_id)
        name = _name_of(found, sender)
        message = read_message(
            self._name, event, name, room, partial(download, self._api.nio), replied
        )
        if message is not None:
            await inbox.receive(message)

    async def _replied(self, event: Mapping[str, Any], room_id: str) -> Reference | None:
        target = reply_to(content_of(event))
        if target is None:
            return None
        try:
            source = await self._api.event(room_id, target)
        except PlatformError as error:
            _log.info("%s: a message that was replied to is missing: %s", self._name, error)
            return None
        is_mine = source.get("sender") == self._api.nio.user_id
        return Reference(target, is_mine, text_of(content_of(source)))

    async def _reaction(
        self, event: Mapping[str, Any], sender: str, room: MatrixRoom, inbox: Inbox
    ) -> None:
        """Handle a reaction to a message of the bot, as if it were a button."""
        reaction = read_reaction(event)
        shown = self._display.run_of(reaction[0]) if reaction else None
        if reaction is None or shown is None or shown.chat.chat_id != room.room_id:
            return
        person = Sender(sender, _name_of(room, sender))
        origin = Origin(person, reaction[0], is_group(room))
        await inbox.chose(shown.chat, origin, f"{reaction[1]}:{shown.run_id}")

    async def _join(self, room_id: str, room: MatrixInvitedRoom, inbox: Inbox) -> None:
        """Accept an invitation if its sender may use the channel."""
        try:
            inviter = room.inviter
            if inviter is None or not await inbox.allows(Sender(inviter)):
                _log.info("%s: an invitation of %s is not accepted", self._name, inviter)
                self._api.nio.invited_rooms.pop(room_id, None)
                return
            for _ in range(_JOIN_ATTEMPTS):
                try:
                    await self._api.join(room_id)
                except RetryLater as error:
                    await self._clock.sleep(error.seconds)
                except Transient:
                    await self._clock.sleep(5)
                else:
                    return
        except PlatformError as error:
            _log.warning("%s: an invitation could not be accepted: %s", self._name, error)
            self._api.nio.invited_rooms.pop(room_id, None)
        finally:
            self._joining.discard(room_id)


def is_group(room: MatrixRoom) -> bool:
    """Whether a room has more members than the bot and one person, counting those who are invited."""
    return len(room.users) > 2


def _name_of(room: MatrixRoom, user_id: str) -> str:
    return room.user_name(user_id) or ""


def _age_ms(event: Mapping[str, Any]) -> int:
    unsigned = event.get("unsigned")
    age = cast("dict[str, object]", unsigned).get("age") if isinstance(unsigned, dict) else None
    return age if isinstance(age, int) else 0
