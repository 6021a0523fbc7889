"""Frames that plugins send outside of runs reach only the sockets that follow the chat."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.channels.recording import message
from tests.channels.sockets import Client, client, events, hosting
from tests.server.serving import Json, Served
from thinkaloud.channels import ChannelManager
from thinkaloud.channels.message import Delta, StreamEnd, StreamMetadata
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.ports.store import Conversation
from thinkaloud.testing import ScriptedModel, say


@asynccontextmanager
async def managed(
    channel: WebSocketSettings | None = None,
) -> AsyncGenerator[tuple[Served, ChannelManager]]:
    async with (
        hosting(ScriptedModel([say("Hi.")], [say("Hi.")]), channel=channel) as served,
        ChannelManager([served.services.websocket]).open() as manager,
    ):
        yield served, manager


def to(chat_id: str, content: str, **metadata: object) -> object:
    return message(content, chat_id, "websocket", **metadata)


async def until_message(one: Client, text: str) -> list[Json]:
    return await one.until("message", lambda frame: frame["text"] == text)


@pytest.mark.promise("P2")
async def test_a_plugins_thought_and_message_reach_every_socket_of_the_chat() -> None:
    async with managed() as (served, manager), client(served) as one, client(served) as two:
        own = one.ready["chat_id"]
        await one.say("room")
        await one.turn("room")
        await two.attach("room", after=0)
        await two.turn("room")
        manager.dispatch(to("room", "Let me see.", _reasoning=True))
        manager.dispatch(Delta("websocket", "room", "Done", StreamMetadata(stream_id="a1")))
        manager.dispatch(StreamEnd("websocket", "room", StreamMetadata(stream_id="a1")))
        manager.dispatch(to("room", "A whole message."))
        manager.dispatch(to(own, "To your own chat."))
        mine = await until_message(one, "To your own chat.")
        theirs = await until_message(two, "A whole message.")
    assert events(mine) == [
        "reasoning_delta", "reasoning_end", "delta", "stream_end", "message", "message",
    ]  # fmt: skip
    assert theirs == mine[:-1]
    assert mine[0]["stream_id"] == mine[1]["stream_id"] != ""
    assert {(frame["run_id"], frame["seq"]) for frame in mine} == {(None, None)}
    assert mine[-1]["role"] == "assistant"


async def test_with_nobody_there_nothing_fails() -> None:
    async with managed() as (served, manager), client(served) as one:
        manager.dispatch(to("nobody", "Hello?", _reasoning=True))
        manager.dispatch(to("nobody", "Hello?"))
        manager.dispatch(to(one.ready["chat_id"], "Still here."))
        assert len(await until_message(one, "Still here.")) == 1


async def test_an_empty_piece_sends_nothing() -> None:
    async with managed() as (served, manager), client(served) as one:
        own, channel = one.ready["chat_id"], served.services.websocket
        metadata = StreamMetadata(stream_id="s")
        await channel.send_delta(own, "", metadata)
        await channel.send_reasoning_delta(own, "", metadata)
        await channel.send_reasoning(to(own, ""))
        manager.dispatch(Delta("websocket", own, "", metadata))
        manager.dispatch(to(own, "Now."))
        assert events(await until_message(one, "Now.")) == ["message"]


@pytest.mark.promise("P7")
@pytest.mark.parametrize("why", ["channel", "socket"])
async def test_a_plugins_thought_is_kept_back_where_reasoning_is(why: str) -> None:
    async with (
        managed(WebSocketSettings(show_reasoning=why != "channel")) as (served, manager),
        client(served) as one,
    ):
        await one.say("room")
        await one.turn("room")
        await one.attach("room", include_reasoning=False)
        await one.until("snapshot")
        manager.dispatch(to("room", "secret", _reasoning=True))
        manager.dispatch(to("room", "Open."))
        assert events(await until_message(one, "Open.")) == ["message"]
    assert "secret" not in "".join(one.raw)


@pytest.mark.promise("P12")
async def test_what_is_sent_to_another_owners_chat_does_not_leak_to_who_guessed_its_id() -> None:
    async with managed() as (served, manager), client(served) as one:
        await one.attach("guessed")
        theirs = Conversation("guessed", "somebody", 1, 1)
        assert await served.services.store.create_conversation(theirs)
        manager.dispatch(to("guessed", "secret"))
        manager.dispatch(to(one.ready["chat_id"], "Yours."))
        frames = await until_message(one, "Yours.")
    assert events(frames) == ["message"]
    assert "secret" not in "".join(one.raw)


async def test_a_detached_socket_gets_no_more() -> None:
    async with managed() as (served, manager), client(served) as one:
        await one.say("room")
        await one.turn("room")
        await one.send({"type": "detach", "chat_id": "room"})
        await one.send("ping")
        await one.turn(one.ready["chat_id"])
        manager.dispatch(to("room", "Gone?"))
        await asyncio.sleep(0)
        manager.dispatch(to(one.ready["chat_id"], "Yours."))
        assert events(await until_message(one, "Yours.")) == ["message"]
