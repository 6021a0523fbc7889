"""The fake enforces what Slack enforces, so that the other tests prove something."""

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.channels.slack.fake.people import People
from tests.channels.slack.fake.server import BOT_TOKEN, FakeSlack, Fault
from tests.channels.slack.fake.validation import Json
from tests.channels.slack.fake.workspace import TEAM


class Minutes:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """The fake, a client of Slack's own library, and a direct message to answer."""

    def __init__(self, slack: FakeSlack, clock: Minutes, client: AsyncWebClient) -> None:
        self.slack = slack
        self.clock = clock
        self.client = client
        self.people = People(slack)
        self.channel = self.people.direct("U1")
        self.thread = ""

    async def start(self, **more: Any) -> str:
        given: Json = {
            "channel": self.channel,
            "thread_ts": self.thread,
            "recipient_user_id": "U1",
            "recipient_team_id": TEAM,
        }
        return str((await self.client.chat_startStream(**(given | more)))["ts"])

    async def append(self, ts: str, *chunks: Json) -> None:
        await self.client.chat_appendStream(channel=self.channel, ts=ts, chunks=list(chunks))

    async def refused(self, awaitable: Any) -> str:
        with pytest.raises(SlackApiError) as caught:
            await awaitable
        return str(caught.value.response["error"])


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    clock = Minutes()
    async with FakeSlack(clock).serve() as slack, aiohttp.ClientSession() as session:
        client = AsyncWebClient(BOT_TOKEN, slack.url, session=session, retry_handlers=[])
        stage = Stage(slack, clock, client)
        stage.thread = (await stage.people.writes("U1", stage.channel, "Hello")).ts
        yield stage


def row(details: str = "", title: str = "Reading", status: str = "in_progress") -> Json:
    return {
        "type": "task_update",
        "id": "a",
        "title": title,
        "status": status,
        "details": details or "x",
    }


async def test_a_wrong_token_is_refused(stage: Stage) -> None:
    stage.client.token = "xoxb-other"
    assert await stage.refused(stage.client.auth_test()) == "invalid_auth"


async def test_the_twenty_first_stream_of_a_minute_is_refused(stage: Stage) -> None:
    for _ in range(20):
        await stage.start()
    with pytest.raises(SlackApiError) as caught:
        await stage.start()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "60"
    stage.clock.now += 60
    await stage.start()


async def test_posts_to_one_channel_are_limited_to_one_a_second(stage: Stage) -> None:
    for _ in range(4):
        await stage.client.chat_postMessage(channel=stage.channel, text="x")
    refused = stage.client.chat_postMessage(channel=stage.channel, text="x")
    assert await stage.refused(refused) == "ratelimited"
    other = stage.people.direct("U2")
    await stage.client.chat_postMessage(channel=other, text="x")


async def test_a_stream_ends_after_five_minutes_and_shows_its_open_rows_as_failed(
    stage: Stage,
) -> None:
    ts = await stage.start(chunks=[row()])
    stage.clock.now += 300
    await stage.append(ts, row())
    stage.clock.now += 10
    assert await stage.refused(stage.append(ts, row())) == "message_not_in_streaming_state"
    stream = stage.slack.workspace.find(stage.channel, ts).stream
    assert stream is not None
    assert stream.tasks["a"].status == "error"


async def test_details_append_and_titles_replace(stage: Stage) -> None:
    ts = await stage.start(chunks=[row("one ")])
    await stage.append(ts, row("two", title="Done", status="complete"))
    stream = stage.slack.workspace.find(stage.channel, ts).stream
    assert stream is not None
    task = stream.tasks["a"]
    assert (task.title, task.status, task.details) == ("Done", "complete", "one two")


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        (row("x" * 257), "msg_too_long"),
        (row(title="x" * 257), "msg_too_long"),
        ({"type": "markdown_text", "text": "x" * 12_001}, "msg_too_long"),
        ({"type": "markdown_text", "text": "x", "shade": "red"}, "invalid_chunks"),
        (row(status="done"), "invalid_chunks"),
    ],
)
async def test_a_chunk_over_a_limit_is_refused(stage: Stage, chunk: Json, error: str) -> None:
    ts = await stage.start()
    assert await stage.refused(stage.append(ts, chunk)) == error


async def test_a_stream_has_one_mode_and_room_for_so_many_bytes(stage: Stage) -> None:
    ts = await stage.start(chunks=[{"type": "markdown_text", "text": "x" * 10_000}])
    more = stage.client.chat_appendStream(channel=stage.channel, ts=ts, markdown_text="x")
    assert await stage.refused(more) == "streaming_mode_mismatch"
    full = stage.append(ts, {"type": "markdown_text", "text": "x" * 601})
    assert await stage.refused(full) == "msg_too_long"


async def test_a_stream_needs_a_thread_and_a_recipient(stage: Stage) -> None:
    assert await stage.refused(stage.start(thread_ts="")) == "invalid_thread_ts"
    assert await stage.refused(stage.start(recipient_user_id=None)) == "missing_recipient_user_id"
    assert await stage.refused(stage.start(recipient_team_id="T9")) == "team_not_found"


async def test_an_open_stream_can_be_neither_edited_nor_deleted(stage: Stage) -> None:
    ts = await stage.start()
    update = stage.client.chat_update(channel=stage.channel, ts=ts, text="x")
    assert await stage.refused(update) == "streaming_state_conflict"
    delete = stage.client.chat_delete(channel=stage.channel, ts=ts)
    assert await stage.refused(delete) == "cant_delete_message"


async def test_after_the_stop_button_nothing_can_be_appended(stage: Stage) -> None:
    ts = await stage.start()
    await stage.people.presses_stop("U1", stage.channel, stage.thread)
    assert await stage.refused(stage.append(ts, row())) == "stopped_by_user"
    assert stage.slack.workspace.sessions[stage.channel, stage.thread] == "processing"


async def test_an_edit_has_a_tenth_of_the_text_of_a_post(stage: Stage) -> None:
    posted = await stage.client.chat_postMessage(channel=stage.channel, text="x" * 40_000)
    update = stage.client.chat_update(channel=stage.channel, ts=posted["ts"], text="x" * 4_001)
    assert await stage.refused(update) == "msg_too_long"


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "markdown", "text": "x" * 6_001}] * 2, "msg_too_long"),
        ([{"type": "section", "text": {"type": "plain_text", "text": "x" * 3_001}}], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_700}}] * 5, "msg_blocks_too_long"),
        ([{"type": "container", "title": {"type": "plain_text", "text": "x"}, "child_blocks": [{"type": "rich_text"}]}], "invalid_blocks"),
        ([{"type": "unheard_of"}], "invalid_blocks"),
    ],
)  # fmt: skip
async def test_blocks_over_a_limit_are_refused(
    stage: Stage, blocks: list[Json], error: str
) -> None:
    posted = stage.client.chat_postMessage(channel=stage.channel, text="x", blocks=blocks)
    assert await stage.refused(posted) == error


async def test_a_call_can_be_performed_and_its_answer_lost(stage: Stage) -> None:
    stage.slack.fail("chat.postMessage", Fault(after=True, hang_up=True))
    with pytest.raises(aiohttp.ClientError):
        await stage.client.chat_postMessage(channel=stage.channel, text="x")
    assert len(stage.slack.workspace.by_bot(stage.channel)) == 1


async def test_an_event_comes_again_until_it_is_acknowledged(stage: Stage) -> None:
    assert [each["payload"]["event"]["text"] for each in stage.slack.unacknowledged] == ["Hello"]
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            headers = {"Authorization": "Bearer xapp-canary-app-token"}
            opened = await session.post(stage.slack.url + "apps.connections.open", headers=headers)
            async with session.ws_connect((await opened.json())["url"]) as socket:
                assert (await socket.receive_json())["type"] == "hello"
                envelope = await socket.receive_json()
        assert envelope["payload"]["event"]["text"] == "Hello"
