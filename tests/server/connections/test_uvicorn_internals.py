"""The uvicorn internals that `server/connections/` relies on.

If one fails, read what changed in uvicorn and in `server/connections/` before raising the cap in pyproject.toml.
"""

import ast
import inspect
import textwrap
from typing import Any

import pytest
from uvicorn import Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.server import ServerProtocol

from thinkaloud.server.connections.http_protocol import HttpConnection
from thinkaloud.server.connections.limits import ConnectionLimits, ServerConfig
from thinkaloud.server.connections.uvicorn_server import AgentServer
from thinkaloud.server.connections.websocket_protocol import SocketConnection
from thinkaloud.server.settings import ServerSettings

USED: dict[type, set[str]] = {
    AgentServer: {"config", "force_exit", "on_tick", "server_state", "servers", "should_exit"},
    HttpConnection: {
        *("_should_upgrade", "_unset_keepalive_if_required", "app_state", "cycle", "flow"),
        *("handle_websocket_upgrade", "headers", "loop", "parser", "pipeline", "transport"),
    },
    SocketConnection: {
        *(
            "app_state",
            "close_sent",
            "close_timer",
            "conn",
            "curr_msg_data_type",
            "disconnected",
            "frames",
        ),
        *("handshake_complete", "handshake_initiated", "loop", "queue", "read_paused"),
        *("send_receive_event_to_app", "transport", "writable"),
    },
}
OF_A_CYCLE = {
    *(
        "chunked_encoding",
        "disconnected",
        "expected_content_length",
        "keep_alive",
        "message_event",
        "response_complete",
        "response_started",
        "scope",
    ),
    "waiting_for_100_continue",
}
OF_A_HANDSHAKE = {"close_sent", "data_to_send", "extensions", "fail", "reader"}


def own_classes(kind: type) -> list[type]:
    return [each for each in kind.__mro__ if each.__module__.startswith("thinkaloud.")]


def attributes_of_self(kind: type) -> set[str]:
    """The attributes of itself that a class reads or sets, as its source has them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "self"
    }


def names(value: object) -> set[str]:
    """The attributes of an object, and those that its class only declares."""
    declared = {name for each in type(value).__mro__ for name in inspect.get_annotations(each)}
    return {*dir(value), *declared}


def config() -> ServerConfig:
    made = ServerConfig(lambda scope: None, log_config=None, lifespan="off")
    made.connection_limits = ConnectionLimits(ServerSettings())
    made.load()
    return made


@pytest.mark.parametrize("kind", USED)
def test_the_list_has_everything_that_our_classes_use_of_uvicorn(kind: type) -> None:
    taken = {name for each in own_classes(kind) for name in attributes_of_self(each)}
    defined = {name for each in own_classes(kind) for name in vars(each)}
    set_here = {name for name in taken - defined if name.startswith("_")} - USED[kind]
    assert taken - defined - set_here == USED[kind]


@pytest.mark.parametrize("kind", USED)
def test_each_override_has_something_to_override(kind: type) -> None:
    overriding = {
        (each, name)
        for each in own_classes(kind)
        for name, value in vars(each).items()
        if getattr(value, "__override__", False)
    }
    assert overriding
    assert [
        f"{each.__name__}.{name}"
        for each, name in overriding
        if not any(name in vars(base) for base in each.__mro__[1:])
    ] == []


async def test_uvicorn_has_everything_on_the_list() -> None:
    server, state = Server(config()), ServerState()
    http: Any = HttpToolsProtocol(config(), state, {})
    socket: Any = WebSocketsSansIOProtocol(config(), state, {})
    # The server's listeners are set when it starts to listen.
    assert USED[AgentServer] - names(server) == {"servers"}
    assert "self.servers" in inspect.getsource(Server.startup)
    assert {"connections", "tasks"} - names(server.server_state) == set()
    assert (USED[HttpConnection] | {"shutdown"}) - names(http) == set()
    assert (USED[SocketConnection] | {"shutdown"}) - names(socket) == set()
    assert OF_A_CYCLE - attributes_of_self(RequestResponseCycle) == set()
    assert OF_A_HANDSHAKE - names(ServerProtocol()) == set()


async def test_a_tick_of_the_server_sets_the_date_that_responses_carry() -> None:
    server = Server(config())
    assert not await server.on_tick(0)
    assert b"date" in dict(server.server_state.default_headers)
    server.should_exit = True
    assert await server.on_tick(0)
