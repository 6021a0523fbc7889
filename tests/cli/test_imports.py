"""The modules that each command imports, because importing takes most of a short command's time."""

from tests.cli.program import DEMO, Home

HEAVY = ("aiohttp", "uvicorn", "starlette", "prompt_toolkit", "rich.markdown")


def test_the_version_is_printed_without_loading_what_only_commands_need(home: Home) -> None:
    assert home.run("--version").stdout.startswith("thinkaloud 0.")
    heavy = ("aiohttp", "starlette", "uvicorn", "pydantic", "asyncio", "rich.live")
    code = (
        "import sys, thinkaloud.cli.main;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    assert home.run_python(code) == "[]\n"


def test_a_chat_without_a_server_loads_no_http_client_no_markdown_and_no_server(home: Home) -> None:
    home.configure(DEMO)
    code = f"""
import asyncio, sys
from thinkaloud.cli.commands import chat
from thinkaloud.config import load

async def start():
    async with chat.open_backend(load(None), None) as backend:
        return (await backend.model(None)).id

print(asyncio.run(start()), [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert home.run_python(code) == "demo/thinkaloud []\n"


def test_listing_conversations_loads_no_http_client_and_no_server(home: Home) -> None:
    code = f"""
import sys
from thinkaloud.cli.commands import conversations
from thinkaloud.cli.options import ConversationOptions

code = conversations.run(ConversationOptions("list", None, json=True))
print(code, [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert home.run_python(code) == "[]\n0 []\n"
