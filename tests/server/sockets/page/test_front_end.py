"""A chat page that knows only the bootstrap and six frames of `/ws`, and ignores all others."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.channels.sockets import Client, client, hosting
from tests.server.serving import Json, Served
from thinkaloud.providers.scripted import Script, Wait
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import Cut, ModelFailed, ScriptedModel, Silence, call_tool, say, think
from thinkaloud.tools.function import tool


class Page:
    """What it shows: `rows`, one a run, and of each the bubbles in their order."""

    def __init__(self, socket: Client) -> None:
        self.rows: dict[str, Json] = {}
        self.chat_id = ""
        self._socket = socket

    async def new_chat(self) -> None:
        await self._socket.send({"type": "new_chat"})
        await self.until("attached")

    async def open(self, chat_id: str) -> None:
        """Show a chat that there is, from its beginning."""
        await self._socket.send({"type": "attach", "chat_id": chat_id, "after": 0})
        await self.until("attached")

    async def say(self, content: str) -> None:
        await self._socket.send({"type": "message", "chat_id": self.chat_id, "content": content})

    async def stop(self) -> None:
        await self._socket.send({"type": "stop", "chat_id": self.chat_id})

    async def until(self, event: str) -> None:
        while True:
            frame = await self._socket.receive()
            self._take(frame)
            if frame["event"] == event:
                return

    def _take(self, frame: Json) -> None:
        match frame["event"]:
            case "attached":
                self.chat_id = frame["chat_id"]
            case "delta" | "reasoning_delta" as kind:
                bubbles = self._row(frame)["bubbles"]
                bubble = bubbles.setdefault(frame["stream_id"], [kind, "", "open"])
                assert bubble[2] == "open"
                bubble[1] += frame["text"]
            case "stream_end" | "reasoning_end":
                self._row(frame)["bubbles"][frame["stream_id"]][2] = "closed"
            case "turn_end":
                row = self._row(frame)
                row["status"] = frame["status"]
                row["error"] = frame.get("error", {}).get("message")
            case _:
                pass

    def _row(self, frame: Json) -> Json:
        assert frame["chat_id"] == self.chat_id
        return self.rows.setdefault(frame["run_id"], {"bubbles": {}, "status": "running"})


@asynccontextmanager
async def page(served: Served) -> AsyncGenerator[Page]:
    async with served.session.get(f"{served.url}/webui/bootstrap") as answer:
        assert (await answer.json())["ws_path"] == "/ws"
    async with client(served) as socket:
        yield Page(socket)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def shown(row: Json) -> list[Any]:
    """A row as a reader sees it."""
    return [tuple(bubble) for bubble in row["bubbles"].values()]


@pytest.mark.promise("P2", "P3", "P4", "P8")
async def test_a_plain_page_shows_tools_failures_and_stops_and_all_of_it_again_when_reloaded() -> (
    None
):
    scripts: list[Script] = [
        [think("Add ", "them."), say("Wait."), call_tool("add", {"a": 2, "b": 3})],
        [think("So 5."), say("It is ", "5.")],
        [think("Hm"), say("Half"), Cut()],
        [think("Hm"), ModelFailed("provider_overloaded", "Try later.")],
        [think("On and on"), Silence()],
    ]
    store = MemoryStore()
    async with hosting(ScriptedModel(*scripts), tools=[add], store=store) as served:
        async with page(served) as first:
            await first.new_chat()
            for text in ("Two and three?", "More.", "More."):
                await first.say(text)
                await first.until("turn_end")
            await first.say("More.")
            await first.until("reasoning_delta")
            await first.stop()
            await first.until("turn_end")
        async with page(served) as again:
            await again.open(first.chat_id)
            for _ in first.rows:
                await again.until("turn_end")
            assert again.rows == first.rows
    summed, cut, failed, stopped = first.rows.values()
    assert shown(summed) == [
        ("reasoning_delta", "Add them.", "closed"), ("delta", "Wait.", "closed"),
        ("reasoning_delta", "So 5.", "closed"), ("delta", "\n\nIt is 5.", "closed"),
    ]  # fmt: skip
    assert shown(cut) == [("reasoning_delta", "Hm", "closed"), ("delta", "Half", "closed")]
    assert shown(failed) == [("reasoning_delta", "Hm", "closed")]
    assert shown(stopped) == [("reasoning_delta", "On and on", "closed")]
    statuses = [row["status"] for row in first.rows.values()]
    assert statuses == ["completed", "failed", "failed", "stopped"]
    assert cut["error"]
    assert failed["error"] == "Try later."
    # After a restart the log has merged events only.
    async with hosting(ScriptedModel(), store=store) as served, page(served) as later:
        await later.open(first.chat_id)
        for _ in first.rows:
            await later.until("turn_end")
        assert later.rows == first.rows


@pytest.mark.promise("P8", "P9")
async def test_a_plain_page_reloaded_in_mid_thought_shows_everything_and_continues() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("So ", "far"), Wait(gate), think(", so good."), say("Done.")])
    async with hosting(model) as served, page(served) as first, page(served) as again:
        await first.new_chat()
        await first.say("Hello")
        await first.until("reasoning_delta")
        await again.open(first.chat_id)
        await again.until("reasoning_delta")
        gate.set()
        await first.until("turn_end")
        await again.until("turn_end")
        assert again.rows == first.rows
    (row,) = first.rows.values()
    assert shown(row) == [
        ("reasoning_delta", "So far, so good.", "closed"), ("delta", "Done.", "closed"),
    ]  # fmt: skip
