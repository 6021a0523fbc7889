"""A subscription of one socket to one chat: where it starts, what it receives, when it ends."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from thinkaloud.core.conversations.pagination import page_of
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.fold import Fold
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.run_stream import RunStream, follow_log, readable_fold
from thinkaloud.server.services import ServerServices
from thinkaloud.server.streams.backpressure import Outlet
from thinkaloud.server.streams.frames import frames_now, take_frames
from thinkaloud.server.websocket_channel import Receiver
from thinkaloud.server.wires.page.encode import encode_frame
from thinkaloud.server.wires.page.encoder import PageWire
from thinkaloud.server.wires.page.frames import ChatAttached

_MISSING = "There is no such conversation."


class Subscriber(Receiver, Protocol):
    """A socket: log frames are sent through `outlet`, other frames are queued with `offer`."""

    @property
    def outlet(self) -> Outlet:
        """Sends frames to the client."""
        ...


class Subscription:
    """A chat that a socket follows. `follow` runs as a task of the socket."""

    def __init__(
        self,
        services: ServerServices,
        owner: str,
        chat_id: str,
        *,
        policy: ReasoningPolicy,
        last: int | None,
        as_log: bool = False,
    ) -> None:
        self.chat_id = chat_id
        self.attached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once `attached` was sent; fails if the chat cannot be followed."""
        self.holding = asyncio.Lock()
        """While it is held, no frames of the chat are encoded."""
        self._services = services
        self._owner = owner
        self._reasoning = policy != "deny"
        self._policy: ReasoningPolicy = policy
        self._reader = services.runs.reader(policy)
        self._encoder = PageWire(reasoning=self._reasoning, as_log=as_log).encoder(last=last)
        self._exists = self._temporary = False
        self.is_own = False
        """Whether this is the connection's own chat, whose new id was announced by `ready`."""

    def accept(self, run_id: str) -> None:
        """Record that this socket's own message started the run. Call it while `holding`."""
        self._encoder.accept(run_id)

    def hide_reasoning(self, run_id: str) -> None:
        """Send no reasoning of this run."""
        self._encoder.hide_reasoning(run_id)

    async def earlier(self, before: str, limit: int) -> bytes:
        """Return the runs before a run as a frame. Raises `InvalidRequest` if it does not exist."""
        hub = self._services.runs.hub
        fold = await hub.fold(self._owner, self.chat_id) if self._exists else Fold(self.chat_id)
        page = page_of(self._reader.fold(fold), limit, before)
        return self._encoder.earlier(self.chat_id, page, before)

    async def follow(self, end: Subscriber, after: int | None, *, live: bool) -> None:
        """Follow from the cursor `after`; without one, from a snapshot, or from now if `live`.

        Runs until cancelled. Raises `NotFound` if the chat belongs to another owner or is deleted,
        and `InvalidRequest` if `after` is beyond the last event.
        """
        hub = self._services.runs.hub
        self._exists = await self._is_stored()
        async with hub.open(self._owner, self.chat_id) as log:
            self._check(after, log)
            start = log.seq if live else after
            if not self.is_own:
                await self._send_attached(end.outlet, log)
            if self._exists or self.is_own:
                self._subscribe(end)
            self.attached.set_result(None)
            if start is None:
                start = await self._send_snapshot(end.outlet, log)
            try:
                async with follow_log(
                    self._services.runs, self._owner, log, start, policy=self._policy
                ) as stream:
                    await self._pump(stream, end)
            finally:
                self._services.websocket.unsubscribe(self.chat_id, end)
        if self._exists and not await self._is_stored():
            raise NotFound("The conversation was deleted.")

    async def _is_stored(self) -> bool:
        found = await self._services.store.conversation(self._owner, self.chat_id)
        self._temporary = found is not None and found.temporary
        return found is not None

    def _check(self, after: int | None, log: LiveLog) -> None:
        if not self._exists and (log.seq or after):
            raise NotFound(_MISSING)
        if after is not None and after > log.seq:
            raise InvalidRequest(
                f"after is {after}, but the last event of the chat is {log.seq}.", field="after"
            )

    def _subscribe(self, end: Receiver) -> None:
        self._services.websocket.subscribe(self.chat_id, end, reasoning=self._reasoning)

    async def _send_attached(self, outlet: Outlet, log: LiveLog) -> None:
        last_seq, floor = log.seq, log.floor
        running = await self._services.runs.open_runs.in_conversation(self._owner, self.chat_id)
        if last_seq == floor:
            # Numbers may have been reserved without being used by an event.
            last_seq = (await self._services.store.log_end(self._owner, self.chat_id)).last_seq
        frame = ChatAttached(
            self.chat_id,
            last_seq,
            floor,
            tuple(running) if self._exists else (),
            self._exists,
            self._temporary,
        )
        await outlet.send(encode_frame(frame))

    async def _send_snapshot(self, outlet: Outlet, log: LiveLog) -> int:
        runs = self._services.runs
        fold = await readable_fold(runs, self._owner, self.chat_id, self._reader)
        seq = max(fold.seq, log.floor)
        if seq:
            async with self.holding:
                frame = self._encoder.snapshot(Snapshot(fold, seq))
            await outlet.send(frame)
        return seq

    async def _pump(self, stream: RunStream, end: Subscriber) -> None:
        def push(entries: Sequence[Entry]) -> bool:
            if not self._exists or self.holding.locked():
                return False
            return end.outlet.push(frames_now(entries, self._encoder))

        while batch := await stream.batch(push=push):
            if not self._exists:
                # The chat did not exist when the socket attached: check its owner now.
                self._exists = await self._is_stored()
                if not self._exists:
                    raise NotFound(_MISSING)
                self._subscribe(end)
            async with self.holding:
                frames = await self._frames(batch, stream)
            for frame in frames:
                await end.outlet.send(frame)

    async def _frames(
        self, batch: Sequence[Entry] | Snapshot, stream: RunStream
    ) -> Sequence[bytes]:
        if isinstance(batch, Snapshot):
            return [self._encoder.snapshot(batch)]
        return await take_frames(deque(batch), self._encoder, stream)
