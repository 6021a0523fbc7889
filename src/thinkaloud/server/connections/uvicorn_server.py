"""Runs the application on uvicorn."""

import asyncio
import contextlib
import errno
import logging
import resource
import signal
import socket
import threading
from collections.abc import Callable, Generator
from types import FrameType

from starlette.applications import Starlette
from typing_extensions import override
from uvicorn import Config, Server

from thinkaloud.errors import ConfigurationError
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.connections.http_protocol import HttpConnection
from thinkaloud.server.connections.limits import ConnectionLimits, ServerConfig
from thinkaloud.server.connections.unix_socket import PREFIX, unix_socket
from thinkaloud.server.connections.websocket_protocol import CLOSE_SECONDS, SocketConnection
from thinkaloud.server.http.origins import is_loopback
from thinkaloud.server.services import ServerServices
from thinkaloud.server.settings import ServerSettings

_PROBES = 3
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_FILES = 65_536
_LONGEST_IDLE = 32_767  # seconds, the maximum on Linux
_TICK_SECONDS = 1.0
_CLOSE_POLL_SECONDS = 0.01
"""How often a shutdown checks for open connections: uvicorn has no event for the last one."""
_log = logging.getLogger(__name__)


class AgentServer(Server):
    """uvicorn's server, with graceful shutdown: runs finish first, then connections close.

    It waits on events where uvicorn polls ten times a second, so it stops without a delay.
    """

    def __init__(self, config: Config, runs: Runs, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._runs = runs
        self._started = started
        self._stop_requested = asyncio.Event()
        self._stop_forced = asyncio.Event()

    def stop(self) -> None:
        """Shut down gracefully. A second call ends the grace period."""
        self.force_exit = self.should_exit
        self.should_exit = True
        (self._stop_forced if self.force_exit else self._stop_requested).set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then call `started`."""
        await super().startup(sockets)
        self._started()

    @override
    async def main_loop(self) -> None:
        """Refresh the default headers every second until asked to stop."""
        while not await self.on_tick(0):
            await _set_within(_TICK_SECONDS, self._stop_requested)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain runs within the timeout, interrupt the others, notify clients, and close.

        The server keeps responding while it drains: `/readyz` reports that it accepts no new runs.
        """
        await self._drain()
        for server in self.servers:
            server.close()
        await self._runs.interrupt()
        # Let the streams write their last frame before the connections shut down.
        for _ in range(8):
            await asyncio.sleep(0)
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._close_connections()

    async def _close_connections(self) -> None:
        """Wait for open responses and connections; cancel those left after the grace period."""
        tasks = self.server_state.tasks
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while (self.server_state.connections or tasks) and not self.force_exit:
                    await _set_within(_CLOSE_POLL_SECONDS, self._stop_forced)
        except TimeoutError:
            _log.warning("cancelled %s requests that were still running at shutdown", len(tasks))
            for task in tasks:
                task.cancel()

    async def _drain(self) -> None:
        """Wait for the active runs, or for a second signal."""
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(self._runs.drain())
            forced = tasks.create_task(self._stop_forced.wait())
            await asyncio.wait((draining, forced), return_when=asyncio.FIRST_COMPLETED)
            draining.cancel()
            forced.cancel()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on SIGINT and SIGTERM; restore the previous handlers without raising the signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def on_signal(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)

        signals = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, on_signal) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


async def _set_within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def build_server(
    app: Starlette, settings: ServerSettings, started: Callable[[], None]
) -> AgentServer:
    """Return the server of an application; `started` is called once it accepts connections."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = ServerConfig(
        app,
        http=HttpConnection,
        ws=SocketConnection,
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )
    config.connection_limits = ConnectionLimits(settings)
    services: ServerServices = app.state.services
    return AgentServer(config, services.runs, started)


def bind(settings: ServerSettings, *, local_only: bool = True) -> socket.socket:
    """Return a socket bound to the configured host and port.

    Raises `ConfigurationError` if the address cannot be used, the port is in use, or with
    `local_only` if the host is not loopback.
    """
    host, port = settings.host, settings.port
    if local_only and not is_loopback(host):
        raise ConfigurationError(
            f"server.host is {host!r}, which other machines can reach, but this server requires no"
            " keys. Use 127.0.0.1, ::1 or localhost."
        )
    name = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it. Otherwise a body waits until the client has acknowledged the
        # headers, up to 40 ms; uvloop sets it by itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _enable_keepalive(listener, settings.send_timeout_seconds)
        listener.bind((name, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"server.port {port} is in use on {host}. Stop the program that uses it, or"
                " choose another port with --port."
            ) from None
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    return listener


def _enable_keepalive(listener: socket.socket, seconds: float) -> None:
    """Close each connection of this listener when its peer stops responding (TCP keepalive).

    A dead peer sends no FIN, and would count as a follower for fifteen minutes. A client that only
    stops reading is disconnected sooner, with a close code.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = min(max(1, round(seconds)), _LONGEST_IDLE)
    patience = 2 * idle + round(CLOSE_SECONDS)
    for option, value in (
        ("TCP_KEEPIDLE", idle),
        ("TCP_KEEPINTVL", max(1, idle // _PROBES)),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", 1000 * patience),
    ):
        # Not every platform supports all of them.
        if hasattr(socket, option):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as allowed: each connection uses one.

    Many systems have a soft limit of 1024 or 256, and a higher hard limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def serve(
    app: Starlette,
    settings: ServerSettings,
    ready: Callable[[str], None] | None = None,
    *,
    local_only: bool = True,
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is called with the address once it is reachable.

    Raises `ConfigurationError` like `bind` and `unix_socket`.
    """
    _allow_many_connections()
    if settings.socket:
        opening = unix_socket(settings.socket)
    else:
        opening = bind(settings, local_only=local_only)
    with opening as listener:
        url = address(listener)
        started = (lambda: ready(url)) if ready is not None else (lambda: None)
        await build_server(app, settings, started).serve(sockets=[listener])


def address(listener: socket.socket) -> str:
    """Return the URL of a bound socket; for a Unix socket, `unix:` and its path.

    One that is bound to every address of this machine has the URL of its loopback address.
    """
    if listener.family == socket.AF_UNIX:
        return PREFIX + str(listener.getsockname())
    name: tuple[str, int] = listener.getsockname()[:2]
    host, port = _LOOPBACK.get(name[0], name[0]), name[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
