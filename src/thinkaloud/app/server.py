"""Builds and runs the server. Requires the `web` extra."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import uvloop

from thinkaloud.app.access import open_server_access, record_policies
from thinkaloud.app.channels import OpenChannels, enabled_channels, open_channels
from thinkaloud.app.chat_platforms import OpenPlatforms
from thinkaloud.app.runtime import Choices, Runtime, open_runtime
from thinkaloud.app.server_address import address_file
from thinkaloud.app.signals import cancel_on_signal
from thinkaloud.app.storage import is_persistent, open_protocol_records, with_storage
from thinkaloud.auth.access import Access
from thinkaloud.auth.carriers.local_key import LocalKey
from thinkaloud.config import Configuration
from thinkaloud.ports.authentication import SinglePrincipal
from thinkaloud.ports.protocols.records import ProtocolRecords
from thinkaloud.runtime.usage_keeper import kept_usage
from thinkaloud.server.app import AgentApp, create_app
from thinkaloud.server.connections.uvicorn_server import serve
from thinkaloud.server.services import About, ServerServices
from thinkaloud.server.websocket_channel import WebSocketChannel
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.stores.protocol_records import MemoryProtocolRecords
from thinkaloud.version import __version__

_TASK_CLEANUP_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


def web_app(
    runtime: Runtime,
    channels: OpenChannels | None = None,
    access: Access | None = None,
    records: ProtocolRecords | None = None,
) -> AgentApp:
    """Return the web application for an open runtime.

    Without `channels`, `/ws` is a new channel. Without `access`, there are no API keys. Without
    `records`, those of other protocols are in memory.
    """
    settings = runtime.configuration.settings
    if channels is None:
        channels = OpenChannels(
            WebSocketChannel(settings.channels.websocket, runtime.clock), OpenPlatforms((), None)
        )
    access = access or Access(MemoryKeyStore(), runtime.clock, settings.auth)
    about = About(
        version=__version__,
        tools=lambda: runtime.tools,
        store=settings.store.kind,
        demo=runtime.is_demo,
        limits=settings.limits,
        channels=enabled_channels(settings.channels),
    )
    return create_app(
        ServerServices(
            runs=runtime.runs,
            catalogue=runtime.models,
            store=runtime.store,
            clock=runtime.clock,
            settings=settings.server,
            about=about,
            websocket=channels.websocket,
            channel_statuses=channels.platforms.statuses,
            uploads=runtime.uploads,
            authenticator=SinglePrincipal(runtime.principal)
            if settings.auth.mode == "off"
            else access.authenticator,
            access=access,
            records=records or MemoryProtocolRecords(),
            wires=settings.wires,
        )
    )


async def serve_until_stopped(
    configuration: Configuration,
    choices: Choices | None = None,
    ready: Callable[[Runtime, str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, which may also arrive during startup.

    `ready` is called with the runtime and the URL once the server accepts connections. Raises
    `ConfigurationError` or `UnknownModel` if the server cannot start.
    """
    with cancel_on_signal() as startup_done:
        await _serve(configuration, choices or Choices(), startup_done, ready)


@asynccontextmanager
async def _open_app(
    runtime: Runtime, access: Access, *, persistent: bool
) -> AsyncGenerator[AgentApp]:
    """Open the application, with the channels, until the block is left."""
    records = open_protocol_records(runtime.configuration, persistent=persistent)
    async with open_channels(runtime) as channels, records as opened:
        app = web_app(runtime, channels, access, opened)
        async with access.open(app.end), app.expiring():
            yield app


async def _serve(
    configuration: Configuration,
    choices: Choices,
    startup_done: Callable[[], None],
    ready: Callable[[Runtime, str], None] | None,
) -> None:
    async with AsyncExitStack() as stack:
        persistent = is_persistent(configuration, choices)
        choices = await stack.enter_async_context(with_storage(configuration, choices))
        runtime = await stack.enter_async_context(open_runtime(configuration, choices))
        if not runtime.is_demo:
            # Load the HTTP client now, so that the first run doesn't have to wait for it.
            await runtime.sessions.prepare()
        local_key: LocalKey | None = None
        if persistent and configuration.settings.auth.mode != "off":
            local_key = LocalKey.new(configuration.owner)
        access = await stack.enter_async_context(
            open_server_access(
                configuration, runtime.clock, persistent=persistent, local_key=local_key
            )
        )
        await stack.enter_async_context(
            kept_usage(runtime.runs.admission.meter, access.store.usage, runtime.clock)
        )
        if configuration.settings.auth.mode != "off":
            # Without keys, there is one owner, whose default model is what the server starts with.
            await runtime.runs.selections.restore(access.store.selections)
            await record_policies(configuration, access)
        app = await stack.enter_async_context(_open_app(runtime, access, persistent=persistent))
        publish: Callable[[str], None] | None = None
        if persistent:
            key = None if local_key is None else local_key.value.text()
            publish = stack.enter_context(address_file(configuration.data_dir, key))

        def started(url: str) -> None:
            startup_done()
            if publish is not None:
                publish(url)
            if ready is not None:
                ready(runtime, url)

        # `open_server_access` has checked that a server for other machines requires credentials.
        await serve(
            app,
            configuration.settings.server,
            started,
            local_only=configuration.settings.auth.mode == "off",
        )


def run_server(
    configuration: Configuration,
    choices: Choices | None = None,
    ready: Callable[[Runtime, str], None] | None = None,
) -> None:
    """Run `serve_until_stopped` as the main function of a process, on a uvloop event loop.

    Returns even if a tool or the library of a channel ignores its cancellation.
    """
    _tune_garbage_collection()
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(serve_until_stopped(configuration, choices, ready))
    finally:
        _close(runner)


def _close(runner: asyncio.Runner) -> None:
    """Close the event loop, abandoning tasks that ignore their cancellation."""
    loop = runner.get_loop()
    remaining = asyncio.all_tasks(loop)
    for task in remaining:
        task.cancel()
    if remaining:
        loop.run_until_complete(asyncio.wait(remaining, timeout=_TASK_CLEANUP_SECONDS))
    if asyncio.all_tasks(loop):
        _log.warning(
            "exiting while a tool or a channel's library is still running: it ignored its cancellation"
        )
        loop.close()
    else:
        runner.close()


def _tune_garbage_collection() -> None:
    """Run the cycle collector less often, and skip the modules loaded so far.

    Events and messages form no reference cycles, but a long conversation consists of many of
    them: collection took a third of the time needed to open one.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
