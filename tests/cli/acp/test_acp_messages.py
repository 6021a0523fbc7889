"""Malformed messages of the Agent Client Protocol, and the standard streams of `thinkaloud acp`."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.acp.editor import Lines, local
from tests.cli.program import DEMO, Home
from thinkaloud.cli.acp.agent import open_agent
from thinkaloud.cli.acp.standard_streams import read_lines
from thinkaloud.testing import ScriptedModel

DEEP = (
    b'{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":'
    + b'{"a":' * 20_000
    + b"1"
    + b"}" * 20_001
)


def request(method: str, params: Any, request_id: Any = 1) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    ).encode()


def prompt(*blocks: Any) -> bytes:
    return request("session/prompt", {"sessionId": "acp_1", "prompt": list(blocks)})


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense", -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (b'{"id": {}, "method": "initialize"}', -32600),
        (DEEP, -32700),
        (request("no/such", {}), -32601),
        (request("session/prompt", []), -32602),
        (request("session/prompt", {"sessionId": 5, "prompt": []}), -32602),
        (prompt({"type": "hologram"}), -32602),
        (prompt("text"), -32602),
        (request("session/load", {"sessionId": "../../etc/passwd"}), -32602),
        (request("session/load", {"sessionId": "acp_never"}), -32002),
        (request("session/close", {"sessionId": "acp_never"}), -32002),
        (request("session/delete", {"sessionId": "acp_never"}), -32002),
    ],
)
async def test_a_bad_message_gets_an_error_and_calls_no_model(
    line: bytes, code: int, tmp_path: Path
) -> None:
    model, output = ScriptedModel(), Lines()
    async with local(model, tmp_path) as backend, open_agent(backend, output) as agent:
        await agent.receive(line)
        assert (await output.read())["error"]["code"] == code
        await agent.receive(request("initialize", {"protocolVersion": 99}, "next"))
        answer = await output.read()
        assert (answer["id"], answer["result"]["protocolVersion"]) == ("next", 1)
    assert not model.requests


@pytest.mark.parametrize(
    "block",
    [
        {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
        {"type": "image", "data": "!", "mimeType": "image/png"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "file:///a"}},
        {"type": "text", "text": "\x00"},
    ],
)
async def test_content_that_cannot_be_used_is_refused_before_the_model(
    block: Any, tmp_path: Path
) -> None:
    model, output = ScriptedModel(), Lines()
    async with local(model, tmp_path) as backend, open_agent(backend, output) as agent:
        await agent.receive(request("session/new", {"cwd": "/", "mcpServers": []}))
        session = (await output.read())["result"]["sessionId"]
        await agent.receive(request("session/prompt", {"sessionId": session, "prompt": [block]}))
        assert (await output.read())["error"]["code"] == -32602
    assert not model.requests


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_METHODS = st.sampled_from(
    ["session/new", "session/load", "session/prompt", "session/list", "session/set_config_option"]
)
_FIELDS = st.sampled_from(["sessionId", "prompt", "cwd", "configId", "value", "cursor"])


@settings(max_examples=30, deadline=None)
@given(method=_METHODS, params=_VALUES | st.dictionaries(_FIELDS, _VALUES, max_size=4))
async def test_any_parameters_get_exactly_one_response(
    method: str, params: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    output = Lines()
    folder = tmp_path_factory.getbasetemp()
    async with local(ScriptedModel(), folder) as backend, open_agent(backend, output) as agent:
        await agent.receive(request(method, params))
        answer = await output.read()
        assert answer["id"] == 1
        assert ("result" in answer) != ("error" in answer)
        assert answer.get("error", {}).get("message") != "An internal error occurred."


async def test_notifications_and_responses_are_never_answered(tmp_path: Path) -> None:
    output = Lines()
    async with local(ScriptedModel(), tmp_path) as backend, open_agent(backend, output) as agent:
        for line in (
            b'{"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"acp_never"}}',
            b'{"jsonrpc":"2.0","method":"session/cancel","params":7}',
            b'{"jsonrpc":"2.0","method":"no/such"}',
            b'{"jsonrpc":"2.0","id":9,"result":{}}',
            request("initialize", {}),
        ):
            await agent.receive(line)
        assert (await output.read())["id"] == 1


def test_a_line_that_is_too_long_is_skipped_and_the_next_one_read() -> None:
    lines = list(read_lines(io.BytesIO(b"12345\n\n123456\n1234567890123\nab"), limit=5))
    assert lines == [b"12345\n", None, None, b"ab"]


def test_the_program_prints_nothing_but_messages_and_ends_with_its_input(home: Home) -> None:
    home.configure(DEMO)
    done = home.run("acp", stdin=request("initialize", {"protocolVersion": 1}) + b"\n\nnonsense\n")
    assert done.returncode == 0
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert first["result"]["agentInfo"]["name"] == "thinkaloud"
    assert second["error"]["code"] == -32700
    assert "demo model" in done.stderr


def test_a_configuration_that_cannot_be_used_is_reported_on_stderr(home: Home) -> None:
    home.configure('[model]\ndefault = "no/such"\n')
    done = home.run("acp", stdin=b"")
    assert (done.returncode == 0, done.stdout) == (False, "")
    assert "no/such" in done.stderr
