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


class Harness:
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
async def harness() -> AsyncGenerator[Harness]:
    clock = Minutes()
    async with FakeSlack(clock).serve() as slack, aiohttp.ClientSession() as session:
        client = AsyncWebClient(BOT_TOKEN, slack.url, session=session, retry_handlers=[])
        harness = Harness(slack, clock, client)
        harness.thread = (await harness.people.writes("U1", harness.channel, "Hello")).ts
        yield harness


def row(details: str = "", title: str = "Reading", status: str = "in_progress") -> Json:
    return {
        "type": "task_update",
        "id": "a",
        "title": title,
        "status": status,
        "details": details or "x",
    }


async def test_a_wrong_token_is_refused(harness: Harness) -> None:
    harness.client.token = "xoxb-other"
    assert await harness.refused(harness.client.auth_test()) == "invalid_auth"


async def test_the_twenty_first_stream_of_a_minute_is_refused(harness: Harness) -> None:
    for _ in range(20):
        await harness.start()
    with pytest.raises(SlackApiError) as caught:
        await harness.start()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "60"
    harness.clock.now += 60
    await harness.start()


async def test_posts_to_one_channel_are_limited_to_one_a_second(harness: Harness) -> None:
    for _ in range(4):
        await harness.client.chat_postMessage(channel=harness.channel, text="x")
    refused = harness.client.chat_postMessage(channel=harness.channel, text="x")
    assert await harness.refused(refused) == "ratelimited"
    other = harness.people.direct("U2")
    await harness.client.chat_postMessage(channel=other, text="x")


async def test_a_stream_ends_after_five_minutes_and_shows_its_open_rows_as_failed(
    harness: Harness,
) -> None:
    ts = await harness.start(chunks=[row()])
    harness.clock.now += 300
    await harness.append(ts, row())
    harness.clock.now += 10
    assert await harness.refused(harness.append(ts, row())) == "message_not_in_streaming_state"
    stream = harness.slack.workspace.find(harness.channel, ts).stream
    assert stream is not None
    assert stream.tasks["a"].status == "error"


async def test_details_append_and_titles_replace(harness: Harness) -> None:
    ts = await harness.start(chunks=[row("one ")])
    await harness.append(ts, row("two", title="Done", status="complete"))
    stream = harness.slack.workspace.find(harness.channel, ts).stream
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
async def test_a_chunk_over_a_limit_is_refused(harness: Harness, chunk: Json, error: str) -> None:
    ts = await harness.start()
    assert await harness.refused(harness.append(ts, chunk)) == error


async def test_a_stream_has_one_mode_and_room_for_so_many_bytes(harness: Harness) -> None:
    ts = await harness.start(chunks=[{"type": "markdown_text", "text": "x" * 10_000}])
    more = harness.client.chat_appendStream(channel=harness.channel, ts=ts, markdown_text="x")
    assert await harness.refused(more) == "streaming_mode_mismatch"
    full = harness.append(ts, {"type": "markdown_text", "text": "x" * 601})
    assert await harness.refused(full) == "msg_too_long"


async def test_a_stream_needs_a_thread_and_a_recipient(harness: Harness) -> None:
    assert await harness.refused(harness.start(thread_ts="")) == "invalid_thread_ts"
    assert (
        await harness.refused(harness.start(recipient_user_id=None)) == "missing_recipient_user_id"
    )
    assert await harness.refused(harness.start(recipient_team_id="T9")) == "team_not_found"


async def test_an_open_stream_can_be_neither_edited_nor_deleted(harness: Harness) -> None:
    ts = await harness.start()
    update = harness.client.chat_update(channel=harness.channel, ts=ts, text="x")
    assert await harness.refused(update) == "streaming_state_conflict"
    delete = harness.client.chat_delete(channel=harness.channel, ts=ts)
    assert await harness.refused(delete) == "cant_delete_message"


async def test_after_the_stop_button_nothing_can_be_appended(harness: Harness) -> None:
    ts = await harness.start()
    await harness.people.presses_stop("U1", harness.channel, harness.thread)
    assert await harness.refused(harness.append(ts, row())) == "stopped_by_user"
    assert harness.slack.workspace.sessions[harness.channel, harness.thread] == "processing"


async def test_an_edit_has_a_tenth_of_the_text_of_a_post(harness: Harness) -> None:
    posted = await harness.client.chat_postMessage(channel=harness.channel, text="x" * 40_000)
    update = harness.client.chat_update(channel=harness.channel, ts=posted["ts"], text="x" * 4_001)
    assert await harness.refused(update) == "msg_too_long"


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
    harness: Harness, blocks: list[Json], error: str
) -> None:
    posted = harness.client.chat_postMessage(channel=harness.channel, text="x", blocks=blocks)
    assert await harness.refused(posted) == error


async def test_a_call_can_be_performed_and_its_answer_lost(harness: Harness) -> None:
    harness.slack.fail("chat.postMessage", Fault(after=True, hang_up=True))
    with pytest.raises(aiohttp.ClientError):
        await harness.client.chat_postMessage(channel=harness.channel, text="x")
    assert len(harness.slack.workspace.by_bot(harness.channel)) == 1


async def test_an_event_comes_again_until_it_is_acknowledged(harness: Harness) -> None:
    assert [each["payload"]["event"]["text"] for each in harness.slack.unacknowledged] == ["Hello"]
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            headers = {"Authorization": "Bearer xapp-canary-app-token"}
            opened = await session.post(
                harness.slack.url + "apps.connections.open", headers=headers
            )
            async with session.ws_connect((await opened.json())["url"]) as socket:
                assert (await socket.receive_json())["type"] == "hello"
                envelope = await socket.receive_json()
        assert envelope["payload"]["event"]["text"] == "Hello"
