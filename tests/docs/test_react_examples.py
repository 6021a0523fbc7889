"""The React examples: type-checked and compiled, then shown in a page that talks to a server."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.tree import ROOT
from tests.clients.node import FOLDER, NodeClient
from tests.docs.examples import EXAMPLES
from tests.server.serving import serving
from thinkaloud import tool
from thinkaloud.providers.scripted import Silence, Wait
from thinkaloud.testing import ScriptedModel, call_tool, say, think

OPTIONS = {
    "strict": True,
    "noUnusedLocals": True,
    "jsx": "react-jsx",
    "module": "esnext",
    "moduleResolution": "bundler",
    "target": "es2022",
    "lib": ["es2023", "dom", "dom.iterable"],
    "types": [],
    "skipLibCheck": True,
    "outDir": "compiled",
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled examples. Fails if one has a type error."""
    folder = tmp_path_factory.mktemp("react")
    for example in (EXAMPLES / "react").glob("*.tsx"):
        (folder / example.name).write_bytes(example.read_bytes())
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    configuration = {"compilerOptions": OPTIONS, "include": ["*.tsx"]}
    (folder / "tsconfig.json").write_text(json.dumps(configuration))
    compiler = ROOT / "webui" / "node_modules" / ".bin" / "tsc"
    done = subprocess.run(
        [str(compiler), "-p", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return folder / "compiled"


@pytest.fixture
def page(request: pytest.FixtureRequest, compiled: Path) -> Iterator[NodeClient]:
    """A page with a compiled example."""
    page = NodeClient("page.mjs", str(compiled / request.param))
    yield page
    page.close()


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


@pytest.mark.parametrize("page", ["use-chat.js"], indirect=True)
async def test_the_chat_with_use_chat_shows_reasoning_tools_and_answers_and_survives_a_reload(
    page: NodeClient,
) -> None:
    more = asyncio.Event()
    model = ScriptedModel(
        [think("Look."), call_tool("weather", {"city": "Kiel"})],
        [say("It is "), Wait(more), say("sunny.")],
    )
    async with serving(model, tools=[weather], allowed_origins=("http://localhost",)) as served:
        chat = {"component": "Chat", "server": served.url, "id": "chat-1"}
        await page.do("open", **chat)
        await page.do("send", text="How is it in Kiel?")
        await page.do("until", text="It is")
        await page.do("open", **chat)
        await page.do("until", text="It is")
        more.set()
        shown = await page.do("until", text="It is sunny.")
        await page.do("until", text="Send")
    assert shown.count("How is it in Kiel?") == 1
    assert "Look." in shown
    assert "weather: Sunny in Kiel" in shown


@pytest.mark.parametrize("page", ["use-chat.js"], indirect=True)
async def test_the_chat_with_use_chat_stops_its_run(page: NodeClient) -> None:
    more = asyncio.Event()
    model = ScriptedModel([think("Hm"), Wait(more), think(", well"), Silence()])
    async with serving(model) as served:
        await page.do("open", component="Chat", server=served.url, id="chat-1")
        await page.do("send", text="Hello")
        await page.do("until", text="Hm")
        # useChat shows the chat as idle once it has found nothing to resume, until the next chunk.
        more.set()
        await page.do("until", text=", well")
        await page.do("click", label="Stop")
        await page.do("until", text="Send")
        for run_id in served.runs.active.in_conversation("local", "chat-1"):
            await served.runs.active.wait(run_id)
        assert model.open_streams == 0


@pytest.mark.parametrize("page", ["assistant-ui.js"], indirect=True)
async def test_the_chat_with_assistant_ui_shows_reasoning_tools_and_answers(
    page: NodeClient,
) -> None:
    model = ScriptedModel(
        [think("Look."), call_tool("weather", {"city": "Kiel"})], [say("It is sunny.")]
    )
    async with serving(model, tools=[weather]) as served:
        await page.do("open", component="Assistant", server=served.url)
        await page.do("send", text="How is it in Kiel?")
        shown = await page.do("until", text="It is sunny.")
    assert "Look." in shown
    assert "weather: Sunny in Kiel" in shown
