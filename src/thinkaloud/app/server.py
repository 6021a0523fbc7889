"""The server, put together. Needs the extra `web`."""

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import uvloop
from fastapi import FastAPI

from thinkaloud.app.channels import enabled_channels, open_channels
from thinkaloud.app.presence import announced
from thinkaloud.app.runtime import Choices, Runtime, open_runtime
from thinkaloud.app.stopping import stoppable
from thinkaloud.app.stored import stored
from thinkaloud.config import Configuration
from thinkaloud.server.app import create_app
from thinkaloud.server.connections.uvicorn_server import serve
from thinkaloud.server.services import About, ServerServices
from thinkaloud.server.websocket_channel import WebSocketChannel
from thinkaloud.version import __version__

_LEAVING_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


def web_app(runtime: Runtime, websocket: WebSocketChannel | None = None) -> FastAPI:
    """Return the application on an open runtime. Without its channels, `/ws` is there alone."""
    settings = runtime.configuration.settings
    websocket = websocket or WebSocketChannel(settings.channels.websocket, runtime.clock)
    about = About(
        version=__version__,
        tools=runtime.tools,
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
            websocket=websocket,
            uploads=runtime.uploads,
        )
    )


async def serve_until_stopped(
    configuration: Configuration,
    choices: Choices | None = None,
    ready: Callable[[Runtime, str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, also where it comes before there is anything to serve.

    `ready` is called with the runtime and the address once it can be reached. Raises
    `ConfigurationError` or `UnknownModel` where it cannot start.
    """
    with stoppable() as serving:
        await _serve(configuration, choices or Choices(), serving, ready)


async def _serve(
    configuration: Configuration,
    choices: Choices,
    serving: Callable[[], None],
    ready: Callable[[Runtime, str], None] | None,
) -> None:
    async with AsyncExitStack() as stack:
        lasts = choices.store is None and configuration.settings.store.kind == "sqlite"
        choices = await stack.enter_async_context(stored(configuration, choices))
        runtime = await stack.enter_async_context(open_runtime(configuration, choices))
        if not runtime.is_demo:
            # The first run shall not pay for loading the client.
            await runtime.sessions.prepare()
        websocket = await stack.enter_async_context(open_channels(runtime))

        announce = stack.enter_context(announced(configuration.data_dir)) if lasts else None

        def started(url: str) -> None:
            serving()
            if announce is not None:
                announce(url)
            if ready is not None:
                ready(runtime, url)

        await serve(web_app(runtime, websocket), configuration.settings.server, started)


def run_server(
    configuration: Configuration,
    choices: Choices | None = None,
    ready: Callable[[Runtime, str], None] | None = None,
) -> None:
    """Do the same in a process of its own, on the fastest event loop there is.

    No tool that goes on after its run was over keeps this from returning.
    """
    _collect_rarely()
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(serve_until_stopped(configuration, choices, ready))
    finally:
        _close(runner)


def _close(runner: asyncio.Runner) -> None:
    """Close the loop; what does not heed its cancellation is left behind, for all else is over."""
    loop = runner.get_loop()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_LEAVING_SECONDS))
    if asyncio.all_tasks(loop):
        _log.warning("the server ends while a tool goes on that does not heed its cancellation")
        loop.close()
    else:
        runner.close()


def _collect_rarely() -> None:
    """Look for garbage in cycles less often, and not in what is loaded by now.

    Events and messages form no cycles, and a long conversation is many of them at once: looking
    through them again and again took a third of the time to open one.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
