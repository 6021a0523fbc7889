"""Builds the channels from their settings and connects them to the runs through a bridge."""

import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

import msgspec

from thinkaloud.app.chat_platforms import OpenPlatforms, open_platforms
from thinkaloud.app.runtime import Runtime
from thinkaloud.channels.bridge import Bridge, RunFeed
from thinkaloud.channels.host import InboundMessage
from thinkaloud.channels.plugins import installed, make
from thinkaloud.channels.routing import ChannelManager
from thinkaloud.config import ChannelsSection
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.view import RunView
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.ports.store import Store
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import RunStream, follow_run
from thinkaloud.runtime.runs.supervisor import ID_PATTERN, RunRequest, Runs
from thinkaloud.server.websocket_channel import WebSocketChannel


class RunsOfChats:
    """The runtime as the bridge uses it.

    Each chat is a conversation of the channel's person, within that person's limits; by default,
    the person is `owner`.
    """

    def __init__(
        self,
        runs: Runs,
        store: Store,
        owner: str,
        policies: Mapping[str, ReasoningPolicy] = MappingProxyType({}),
        people: Mapping[str, Principal] = MappingProxyType({}),
    ) -> None:
        self._runs = runs
        self._store = store
        self._default = Principal(owner)
        self._people = people
        """The people whose conversations channels use."""
        self._owners: dict[str, str] = {}
        """The owner of each run that was begun, until it is followed."""
        self._policies = policies
        """The reasoning policies of the channels."""

    async def begin(self, message: InboundMessage) -> str | None:
        """Start a run for a message and return its id; None if the message is a redelivery."""
        conversation_id = conversation_of(message.channel, message.chat_id)
        person = self._people.get(message.channel, self._default)
        key = None
        if message.message_id is not None:
            key = f"channel:{conversation_id}:{message.message_id}"
            if await self._store.run_for_key(person.owner, key) is not None:
                return None
        request = RunRequest(
            message.text,
            conversation_id,
            idempotency_key=key,
            reasoning_policy=self._policies.get(message.channel, "allow"),
        )
        record = await self._runs.start(person, request)
        self._owners[record.run_id] = record.owner
        return record.run_id

    async def stop(self, channel: str, chat_id: str) -> None:
        """Stop the active run of a chat, but not its queued runs."""
        conversation_id = conversation_of(channel, chat_id)
        owner = self._people.get(channel, self._default).owner
        active = await self._runs.open_runs.in_conversation(owner, conversation_id)
        if active:
            await self._runs.stop(owner, active[0])

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator[RunFeed]:
        """Follow a run from its first event to its last."""
        owner = self._owners.pop(run_id, self._default.owner)
        record = await self._runs.record(owner, run_id)
        # The policy of its channel was applied when it was recorded.
        async with follow_run(self._runs, record) as stream:
            yield _Feed(stream, run_id)


class _Feed:
    """A run stream, as the bridge sees it."""

    def __init__(self, stream: RunStream, run_id: str) -> None:
        self._stream = stream
        self._run_id = run_id

    async def next(self) -> Sequence[LoggedEvent] | RunView:
        while True:
            found = await self._stream.update()
            if not isinstance(found, Snapshot):
                return found
            run = found.fold.run(self._run_id)
            if run is not None:
                return run.view()


def conversation_of(channel: str, chat_id: str) -> str:
    """Return the conversation id of a chat: `channel:chat_id` if that is a valid id, else a digest."""
    name = f"{channel}:{chat_id}"
    if ID_PATTERN.match(name):
        return name
    return f"chat:{hashlib.sha256(name.encode()).hexdigest()[:48]}"


def enabled_channels(settings: ChannelsSection) -> tuple[str, ...]:
    """Return the names of the enabled channels."""
    plugins = [name for name, section in settings.plugins.items() if section.enabled]
    platforms = [name for name, section in settings.platforms.items() if section.enabled]
    return (*(["websocket"] if settings.websocket.enabled else []), *plugins, *platforms)


class OpenChannels(msgspec.Struct, frozen=True):
    """The open channels."""

    websocket: WebSocketChannel
    platforms: OpenPlatforms


@asynccontextmanager
async def open_channels(runtime: Runtime) -> AsyncGenerator[OpenChannels]:
    """Open all enabled channels until the block is left.

    Raises `ConfigurationError` if a plugin's channel cannot be created. A chat platform that cannot
    be created affects only itself: see `OpenPlatforms.statuses`.
    """
    settings = runtime.configuration.settings
    manager = ChannelManager(reasoning_allowed=settings.server.show_reasoning != "deny")
    policies: dict[str, ReasoningPolicy] = {
        name: each.reasoning for name, each in settings.channels.plugins.items()
    }
    people = {
        name: runtime.person(each.owner or runtime.owner)
        for name, each in settings.channels.plugins.items()
    }
    runs = RunsOfChats(runtime.runs, runtime.store, runtime.owner, policies, people)
    bridge = Bridge(manager, runs)
    websocket = WebSocketChannel(settings.channels.websocket, runtime.clock)
    manager.add(websocket)
    found = installed()
    for name, section in settings.channels.plugins.items():
        if section.enabled:
            manager.add(make(found[name], section, bridge))
    async with manager.open(), bridge.open(), open_platforms(runtime) as platforms:
        yield OpenChannels(websocket, platforms)
