"""The Agent Client Protocol's TypeScript library against the real program."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import DEMO, PROGRAM, Home
from tests.clients.node import NodeClient
from tests.server.serving import Json


class NodeEditor:
    """An editor whose agent is a process."""

    def __init__(self, client: NodeClient) -> None:
        self._client = client

    async def open(self, home: Home) -> Json:
        opened: Json = await self._client.do(
            "open",
            program=[str(PROGRAM), "acp"],
            environment=home.environment,
            folder=str(home.folder),
        )
        return opened

    async def request(self, method: str, cancel_at: str | None = None, **params: Any) -> Json:
        found: Json = await self._client.do(
            "request", method=method, params=params, cancelAt=cancel_at
        )
        return found

    async def close(self) -> int:
        code: int = await self._client.do("close")
        return code


@pytest.fixture
async def editor() -> AsyncGenerator[NodeEditor]:
    client = NodeClient("acp.mjs")
    try:
        yield NodeEditor(client)
    finally:
        client.close()


def text(answer: Json, kind: str) -> str:
    chunks = [each for each in answer["updates"] if each["sessionUpdate"] == kind]
    return "".join(each["content"]["text"] for each in chunks)


@pytest.mark.feature("reasoning", "tools", "stop", "resume", "history", "usage", "errors")
async def test_an_editor_in_typescript_starts_the_program_and_uses_all_of_it(
    editor: NodeEditor, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    home.configure(DEMO)
    opened = await editor.open(home)
    assert opened["agentCapabilities"]["loadSession"] is True
    created = await editor.request("session/new", cwd=str(tmp_path), mcpServers=[])
    session = created["result"]["sessionId"]

    prompt = [{"type": "text", "text": "What is 12 * (3 + 4)?"}]
    answer = await editor.request("session/prompt", sessionId=session, prompt=prompt)
    assert answer["result"]["stopReason"] == "end_turn"
    assert answer["result"]["usage"]["thoughtTokens"]
    assert text(answer, "agent_thought_chunk")
    assert "84" in text(answer, "agent_message_chunk")
    kinds = [each["sessionUpdate"] for each in answer["updates"]]
    assert "tool_call" in kinds
    assert "tool_call_update" in kinds

    prompt = [{"type": "text", "text": "Why?"}]
    stopped = await editor.request(
        "session/prompt", "agent_thought_chunk", sessionId=session, prompt=prompt
    )
    assert stopped["result"]["stopReason"] == "cancelled"
    assert not text(stopped, "agent_message_chunk")

    refused = await editor.request("session/prompt", sessionId="acp_never", prompt=prompt)
    assert refused["error"]["code"] == -32002

    loaded = await editor.request("session/load", sessionId=session, cwd="/", mcpServers=[])
    assert text(loaded, "user_message_chunk") == "What is 12 * (3 + 4)?Why?"
    assert "84" in text(loaded, "agent_message_chunk")
    assert await editor.close() == 0
