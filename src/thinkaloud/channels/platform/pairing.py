"""Pairing: a stranger gets a short code in a direct message, and the operator approves it.

The codes are in the channels' state, which the server and `thinkaloud channels` share. An approval
works at once, without a restart.
"""

import asyncio
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.channels.platform.message import Sender
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.errors import Conflict, NotFound
from thinkaloud.ports.channel_state import ChannelState
from thinkaloud.ports.clock import Clock

CODE_SECONDS: Final = 600
"""How long a code can be approved."""
MAX_PENDING: Final = 20
"""The most codes of a channel that wait for approval: strangers beyond that get no reply."""
MAX_REPLIES: Final = 3
"""How often a stranger is sent the same code."""
MAX_PEOPLE: Final = 10_000
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH: Final = 8


class Person(msgspec.Struct, frozen=True):
    """Somebody who was paired with a channel."""

    channel: str
    id: str
    """The platform's stable id."""
    name: str
    """The display name when the code was requested; not verified."""
    paired_at_ms: int
    owner: str | None = None
    """Who owns this person's direct conversations. None: as the channel says."""


class PendingCode(msgspec.Struct, frozen=True):
    """A code that waits for approval."""

    channel: str
    id: str
    """The stable id of the person who got it."""
    name: str
    code: str
    expires_at_ms: int
    replies: int = 1
    """How often it was sent."""


class Pairings:
    """The paired people of all channels, and the codes that wait for approval."""

    def __init__(self, state: ChannelState, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._requesting = asyncio.Lock()

    async def person(self, channel: str, person_id: str) -> Person | None:
        """Return a paired person."""
        return decoded(await self._state.get(channel, "person", person_id), Person)

    async def request(self, channel: str, sender: Sender) -> str | None:
        """Return the code to send to a stranger; None if they should get no reply.

        A stranger has one code at a time and is sent it at most `MAX_REPLIES` times.
        """
        async with self._requesting:  # Else strangers who write at the same time exceed the limit.
            return await self._request(channel, sender)

    async def _request(self, channel: str, sender: Sender) -> str | None:
        pending = await self.pending(channel)
        own = next((each for each in pending if each.id == sender.id), None)
        if own is not None:
            if own.replies >= MAX_REPLIES:
                return None
            own = msgspec.structs.replace(own, replies=own.replies + 1)
        elif len(pending) >= MAX_PENDING:
            return None
        else:
            code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            expires = self._clock.unix_ms() + CODE_SECONDS * 1000
            own = PendingCode(channel, sender.id, sender.name[:100], code, expires)
        await self._state.put(channel, "pairing", sender.id, msgspec.json.encode(own))
        return own.code

    async def pending(self, channel: str | None = None) -> Sequence[PendingCode]:
        """Return the codes that can be approved, oldest first, and drop expired ones."""
        now = self._clock.unix_ms()
        found: list[PendingCode] = []
        for entry in await self._state.entries("pairing", channel):
            code = decoded(entry.value, PendingCode)
            if code is not None and code.expires_at_ms > now:
                found.append(code)
            else:
                await self._state.take(entry.channel, "pairing", entry.key)
        return found

    async def approve(self, code: str, *, owner: str | None = None) -> Person:
        """Pair the person who was sent this code. Each code works once.

        Ignores case, spaces and hyphens. Raises `NotFound` if no such code is waiting, and
        `Conflict` if the channel has too many people.
        """
        given = "".join(code.replace("-", "").split()).upper().encode()
        match: PendingCode | None = None
        for each in await self.pending():  # All of them, so that the time tells nothing.
            if hmac.compare_digest(each.code.encode(), given):
                match = each
        if match is None or await self._state.take(match.channel, "pairing", match.id) is None:
            raise NotFound(
                "No such code is waiting. Codes are valid for"
                f" {CODE_SECONDS // 60} minutes; send the bot another message to get a new one."
            )
        if len(await self.people(match.channel)) >= MAX_PEOPLE:
            raise Conflict(f"{match.channel} already has {MAX_PEOPLE:,} paired people.")
        now = self._clock.unix_ms()
        person = Person(match.channel, match.id, match.name, now, owner)
        await self._state.put(match.channel, "person", match.id, msgspec.json.encode(person))
        return person

    async def people(self, channel: str | None = None) -> Sequence[Person]:
        """Return the paired people, of one channel or of all."""
        entries = await self._state.entries("person", channel)
        people = (decoded(each.value, Person) for each in entries)
        return [person for person in people if person is not None]

    async def unpair(self, channel: str, person_id: str) -> bool:
        """Remove a paired person, with effect from the next message. False if there is none."""
        return await self._state.take(channel, "person", person_id) is not None
