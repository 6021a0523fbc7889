"""Other people's clients that the tests run, for the table on the page of tested clients.

A test that shows a feature with a client is marked `@pytest.mark.feature("reasoning")`. Its module
belongs to the clients below, and runs with each of their versions.
"""

from typing import Final, NamedTuple


class Client(NamedTuple):
    """A client, with all versions that one test module runs."""

    name: str
    versions: tuple[str, ...]
    protocol: str
    """The protocol and the file of its page."""
    module: str
    """The test module, relative to the root."""
    tests: str = ""
    """A part of the names of its tests; empty: all tests of the module."""


FEATURES: Final = {
    "reasoning": "shows reasoning while it streams",
    "tools": "shows the server's own tools",
    "client tools": "executes its own tools",
    "history": "continues a conversation",
    "edit": "regenerates and edits",
    "stop": "stops the model by hanging up or cancelling",
    "resume": "continues a broken stream",
    "usage": "shows tokens or durations",
    "errors": "shows errors before and during a stream",
}
"""The columns of the table, with their meanings."""

_COMMAND_LINES: Final = "tests/clients/isolated/soak_command_lines.py"
_PROTOCOLS: Final = "tests/server/protocols"
CLIENTS: Final = (
    Client(
        "`openai` (Python)",
        ("3.57",),
        "[Chat Completions](openai-chat.md)",
        f"{_PROTOCOLS}/openai_chat/test_openai_python.py",
    ),
    Client(
        "`openai` (Node.js)",
        ("7.59",),
        "[Chat Completions](openai-chat.md)",
        f"{_PROTOCOLS}/openai_chat/test_openai_node.py",
    ),
    Client(
        "`@ai-sdk/openai-compatible` with `ai`",
        ("3.0",),
        "[Chat Completions](openai-chat.md)",
        f"{_PROTOCOLS}/openai_chat/test_openai_compatible.py",
    ),
    Client(
        "`openai-agents`",
        ("0.24",),
        "[Chat Completions](openai-chat.md)",
        f"{_PROTOCOLS}/openai_chat/test_openai_agents.py",
    ),
    Client(
        "`langchain-openai`",
        ("1.7",),
        "[Chat Completions](openai-chat.md)",
        f"{_PROTOCOLS}/openai_chat/test_langchain_openai.py",
    ),
    Client("opencode", ("1.18",), "[Chat Completions](openai-chat.md)", _COMMAND_LINES, "opencode"),
    Client("aider", ("0.86",), "[Chat Completions](openai-chat.md)", _COMMAND_LINES, "aider"),
    Client(
        "Claude Code",
        ("2.1",),
        "[Anthropic Messages](anthropic-messages.md)",
        _COMMAND_LINES,
        "claude",
    ),
    Client("Codex", ("0.171",), "[Responses](openai-responses.md)", _COMMAND_LINES, "codex"),
    Client(
        "`litellm`",
        ("1.108",),
        "[Chat Completions](openai-chat.md)",
        "tests/clients/isolated/soak_litellm.py",
    ),
    Client(
        "`pydantic-ai`",
        ("2.68",),
        "[Chat Completions](openai-chat.md), [Responses](openai-responses.md)",
        "tests/clients/isolated/soak_pydantic_ai.py",
    ),
    Client(
        "`anthropic` (Python)",
        ("2.14",),
        "[Anthropic Messages](anthropic-messages.md)",
        f"{_PROTOCOLS}/anthropic_messages/test_anthropic_python.py",
    ),
    Client(
        "`@anthropic-ai/sdk` (Node.js)",
        ("1.14",),
        "[Anthropic Messages](anthropic-messages.md)",
        f"{_PROTOCOLS}/anthropic_messages/test_anthropic_node.py",
    ),
    Client(
        "`langchain-anthropic`",
        ("1.7",),
        "[Anthropic Messages](anthropic-messages.md)",
        f"{_PROTOCOLS}/anthropic_messages/test_langchain_anthropic.py",
    ),
    Client(
        "`openai` (Python)",
        ("3.57",),
        "[Responses](openai-responses.md)",
        f"{_PROTOCOLS}/openai_responses/test_responses_python.py",
    ),
    Client(
        "`openai` (Node.js)",
        ("7.59",),
        "[Responses](openai-responses.md)",
        f"{_PROTOCOLS}/openai_responses/test_responses_node.py",
    ),
    Client(
        "`openai-agents`",
        ("0.24",),
        "[Responses](openai-responses.md)",
        f"{_PROTOCOLS}/openai_responses/test_responses_agents.py",
    ),
    Client(
        "`langchain-openai`",
        ("1.7",),
        "[Responses](openai-responses.md)",
        f"{_PROTOCOLS}/openai_responses/test_responses_langchain.py",
    ),
    Client(
        "`ai` with `@ai-sdk/react`",
        ("6.0", "7.0"),
        "[AI SDK](ai-sdk.md)",
        f"{_PROTOCOLS}/ai_sdk/test_ai_sdk_clients.py",
    ),
    Client(
        "`@ag-ui/client`",
        ("0.0.59", "1.0"),
        "[AG-UI](ag-ui.md)",
        f"{_PROTOCOLS}/ag_ui/test_ag_ui_clients.py",
    ),
    Client(
        "`agent-client-protocol` (Python)",
        ("0.12",),
        "[Agent Client Protocol](acp.md)",
        "tests/cli/acp/test_acp_python.py",
    ),
    Client(
        "`@agentclientprotocol/sdk` (Node.js)",
        ("2.4",),
        "[Agent Client Protocol](acp.md)",
        "tests/cli/acp/test_acp_node.py",
    ),
    Client("`ollama` (Python)", ("0.6",), "[Ollama](ollama.md)", f"{_PROTOCOLS}/test_ollama.py"),
)
