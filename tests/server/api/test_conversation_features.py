"""Conversations over HTTP: search, pagination, branches, deletion, regeneration, and temporary ones."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Served, exchange_over, serving
from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.store import Conversation, ConversationCursor
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think

CANARY = "xylophone-canary"


async def listed(served: Served, query: str = "") -> list[str]:
    status, page = await served.get(f"/conversations?{query}")
    assert status == 200, page
    return [each["conversation_id"] for each in page["conversations"]]


async def ask(served: Served, text: str, conversation_id: str, **body: Any) -> dict[str, Any]:
    exchange = await exchange_over(
        "rest", served, text=text, conversation_id=conversation_id, **body
    )
    assert exchange.complete is not None, exchange.error
    return exchange.complete


@pytest.mark.promise("P1")
async def test_a_search_covers_questions_and_answers_but_never_reasoning() -> None:
    model = ScriptedModel([think(CANARY), say("Rayleigh scattering.")], [say("It is 42.")])
    async with serving(model) as served:
        await ask(served, "Why is the sky blue?", "sky")
        await ask(served, "How much?", "sum")
        assert await listed(served, "search=SKY+rayleigh") == ["sky"]
        assert await listed(served, "search=42") == ["sum"]
        assert await listed(served, "search=true") == []
        assert await listed(served, f"search={CANARY}") == []
        assert await listed(served, f"search={CANARY.partition('-')[0]}") == []


@pytest.mark.promise("P1")
async def test_a_title_comes_from_the_answer_and_never_from_the_thinking() -> None:
    async with serving(ScriptedModel([think(CANARY), say("# The sky\nis blue.")])) as served:
        await ask(served, "Why?", "c")
        _, state = await served.get("/conversations/c")
    assert state["title"] == "The sky"


async def test_paging_loses_nothing_where_many_changed_in_the_same_millisecond() -> None:
    store = MemoryStore()
    for index in range(9):
        await store.create_conversation(Conversation(f"c{index}", "local", 1, 1_000 + index // 5))
    async with serving(ScriptedModel(), store=store) as served:
        seen: list[str] = []
        before = ""
        while before is not None:
            _, page = await served.get(f"/conversations?limit=2&before={before}")
            seen += [each["conversation_id"] for each in page["conversations"]]
            before = page["next_before"]
        status, problem = await served.get("/conversations?before=yesterday")
    assert seen == [f"c{index}" for index in reversed(range(9))]
    assert (status, problem["field"]) == (422, "before")


@pytest.mark.promise("P8")
async def test_a_branch_continues_independently_from_the_given_run() -> None:
    model = ScriptedModel([think("a"), say("One")], [say("Two")], [say("Other")])
    async with serving(model) as served:
        first = await ask(served, "first", "c")
        await ask(served, "second", "c")
        status, branch = await served.post("/conversations/c/branch", {"run_id": first["run_id"]})
        assert status == 201
        await ask(served, "instead", branch["conversation_id"])
        _, ours = await served.get(f"/conversations/{branch['conversation_id']}/messages")
        _, theirs = await served.get("/conversations/c/messages")
    assert [each["text"] for each in ours["messages"]] == ["first", "One", "instead", "Other"]
    assert [each["text"] for each in theirs["messages"]] == ["first", "One", "second", "Two"]
    assert len(model.requests[2].turns) == 3


async def test_an_active_or_unknown_run_cannot_be_branched_from() -> None:
    async with serving(ScriptedModel([say("One"), Silence()])) as served:
        async with served.events(
            "POST", "/chat/stream-sse", json={"text": "Hi", "conversation_id": "c"}
        ) as stream:
            run_id = (await anext(stream))["data"]["run_id"]
        conflict = await served.post("/conversations/c/branch", {"run_id": run_id})
        unknown = await served.post("/conversations/c/branch", {"run_id": "run_none"})
    assert (conflict[0], conflict[1]["code"]) == (409, "conflict")
    assert (unknown[0], unknown[1]["code"]) == (404, "not_found")


@pytest.mark.promise("P7")
@pytest.mark.parametrize("form", ["json", "markdown"])
@pytest.mark.parametrize(
    ("query", "policy", "shows"),
    [
        ("", "allow", False),
        ("&include_reasoning=true", "allow", True),
        ("&include_reasoning=true", "deny", False),
    ],
)
async def test_an_export_has_reasoning_only_where_asked_for_and_allowed(
    form: str, query: str, policy: str, shows: bool
) -> None:
    model = ScriptedModel([think(CANARY), say("# Why: „sky“ / sea?\nBlue.")])
    async with serving(model, show_reasoning=policy) as served:
        await ask(served, "Why?", "c")
        address = f"{served.api}/conversations/c/export?format={form}{query}"
        async with served.session.get(address) as response:
            body = await response.read()
    assert (CANARY.encode() in body) is shows
    assert b"Blue." in body
    media_type, ending = ("application/json", "json") if form == "json" else ("text/markdown", "md")
    assert response.headers["Content-Type"].startswith(media_type)
    content_disposition = response.headers["Content-Disposition"]
    assert content_disposition == f'attachment; filename="Why-sky-sea.{ending}"'
    assert response.headers.get("X-Reasoning-Withheld") == (None if policy == "allow" else "policy")


async def test_a_file_is_named_safely_whatever_the_title_says() -> None:
    async with serving(ScriptedModel()) as served:
        for title, plain, whole in (
            ('../../etc/"passwd\r\nX: y', "etc-passwd-X-y.json", None),
            ("Größe", "Groe.json", "Gr%C3%B6%C3%9Fe.json"),
            ("天空", "conversation.json", "%E5%A4%A9%E7%A9%BA.json"),
        ):
            _, made = await served.post("/conversations", {"title": title})
            address = f"{served.api}/conversations/{made['conversation_id']}/export"
            async with served.session.get(address) as response:
                assert (await response.json())["title"] == title
            expected = f'attachment; filename="{plain}"'
            if whole is not None:
                expected += f"; filename*=UTF-8''{whole}"
            assert response.headers["Content-Disposition"] == expected


@pytest.mark.promise("P8")
@pytest.mark.parametrize("transport", ["rest", "sse", "socket"])
async def test_a_message_may_replace_an_earlier_one(transport: str) -> None:
    model = ScriptedModel([say("One")], [say("Two")], [say("Three")], [say("Better")])
    async with serving(model) as served:
        await ask(served, "first", "c")
        second = await ask(served, "second", "c")
        await ask(served, "third", "c")
        exchange = await exchange_over(
            transport, served, text="edited", conversation_id="c", replaces=second["run_id"]
        )
        _, shown = await served.get("/conversations/c/messages")
        status, problem = await served.post(
            "/chat/message", {"text": "x", "conversation_id": "d", "replaces": second["run_id"]}
        )
    assert exchange.complete is not None
    assert [each["text"] for each in shown["messages"]] == ["first", "One", "edited", "Better"]
    assert len(model.requests[3].turns) == 3
    assert (status, problem["field"]) == (422, "replaces")


@pytest.mark.parametrize("transport", ["rest", "sse", "socket"])
async def test_a_temporary_conversation_can_be_continued_and_is_not_listed(transport: str) -> None:
    model = ScriptedModel([say("One")], [say("Two")])
    lasting = MemoryStore()
    async with serving(model, store=lasting) as served:
        first = (await exchange_over(transport, served, text="first", temporary=True)).complete
        assert first is not None
        name = first["conversation_id"]
        await ask(served, "second", name)
        _, state = await served.get(f"/conversations/{name}")
        _, shown = await served.get(f"/conversations/{name}/messages")
        assert await listed(served) == await listed(served, "search=first") == []
        status, problem = await served.post(
            "/conversations", {"conversation_id": "mine", "temporary": True}
        )
    assert state["temporary"] is True
    assert [each["text"] for each in shown["messages"]] == ["first", "One", "second", "Two"]
    assert await lasting.conversation("local", name) is None
    assert (status, problem["field"]) == (422, "conversation_id")


@pytest.mark.promise("P12")
async def test_another_owners_conversation_is_neither_found_nor_branched_nor_exported() -> None:
    model = ScriptedModel([say("Private words.")], [say("Mine.")])
    async with serving(model) as served:
        exchange = await ask(served, "Hello", "ours")
        theirs = Conversation("theirs", "somebody", 1, 1, "Private title")
        await served.services.store.create_conversation(theirs)
        assert await listed(served, "search=title") == []
        tries: Sequence[tuple[str, str, Any]] = [
            ("GET", "/conversations/theirs/export", None),
            ("POST", "/conversations/theirs/branch", {"run_id": exchange["run_id"]}),
            ("PATCH", "/conversations/theirs", {"title": "x"}),
        ]
        for method, path, body in tries:
            given = {"json": body} if body is not None else {}
            async with served.session.request(method, served.api + path, **given) as response:
                assert response.status == 404, path
                assert b"Private" not in await response.read()


async def until_runs(served: Served, number: int) -> None:
    while (await served.get("/system-status"))[1]["active_runs"] != number:
        pass


@pytest.mark.promise("P9")
@pytest.mark.parametrize("transport", ["rest", "sse", "socket"])
async def test_a_run_stops_with_its_client_only_if_requested(
    transport: str,
) -> None:
    model = ScriptedModel(*[[say("Half"), Silence()]] * 2)
    async with serving(model, limits=Limits(stop_detached_after_seconds=0.05)) as served:
        for choice, left in (("stop", 0), ("continue", 1)):
            body = {"text": "Hi", "conversation_id": choice, "on_disconnect": choice}
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(exchange_over(transport, served, **body))
                await until_runs(served, 1)
                asking.cancel()
            await until_runs(served, left)
        _, state = await served.get("/conversations/stop/messages")
        _, other = await served.get("/conversations/continue")
    assert state["messages"][1]["status"] == "stopped"
    assert len(other["active_runs"]) == 1


class HeldClock(SystemClock):
    """A clock whose sleeps end when the test decides."""

    def __init__(self) -> None:
        self.resume = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.resume.wait()


@pytest.mark.parametrize("transport", ["rest", "sse", "socket"])
async def test_a_run_that_stops_with_its_client_continues_while_the_client_waits(
    transport: str,
) -> None:
    go = asyncio.Event()
    model = ScriptedModel([say("Half"), Wait(go), say(" and half.")])
    clock = HeldClock()
    async with serving(model, limits=Limits(stop_detached_after_seconds=9), clock=clock) as served:
        asking = asyncio.ensure_future(
            exchange_over(transport, served, conversation_id="c", on_disconnect="stop")
        )
        await until_runs(served, 1)
        while (
            log := served.services.runs.hub.live("local", "c")
        ) is None or log.watchers.none.is_set():
            await asyncio.sleep(0)
        clock.resume.set()  # The grace is over, and somebody is there.
        await served.get("/system-status")
        go.set()
        exchange = await asking
    assert exchange.complete is not None
    assert (exchange.complete["status"], exchange.complete["response"]) == (
        "completed",
        "Half and half.",
    )


async def test_queued_senders_learn_that_their_conversation_was_deleted() -> None:
    async with serving(ScriptedModel([say("Half"), Silence()])) as served:
        asking = asyncio.ensure_future(
            served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})
        )
        await until_runs(served, 1)
        async with served.session.delete(f"{served.api}/conversations/c") as response:
            assert response.status == 204
        status, problem = await asking
    assert (status, problem["code"]) == (404, "not_found")


class FullStore(MemoryStore):
    """A store whose disk reports a fault."""

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        raise StoreError("The disk is full.")


async def test_a_failing_store_is_a_503_with_retry_after() -> None:
    async with (
        serving(ScriptedModel(), store=FullStore()) as served,
        served.session.get(f"{served.api}/conversations") as response,
    ):
        problem = await response.json()
    assert (response.status, problem["code"]) == (503, "store_unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.promise("P8")
async def test_a_restart_keeps_conversations_their_search_and_the_idempotency_key(
    tmp_path: Path,
) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"text": "Why?", "conversation_id": "c", "include_reasoning": True}
    replies: list[Any] = []
    views: list[Any] = []
    for model in (ScriptedModel([think("Hm."), say("Because.")]), ScriptedModel()):
        async with (
            SqliteStore.open(tmp_path / "thinkaloud.db") as store,
            serving(model, store=store) as served,
        ):
            replies.append(await served.post("/chat/message", body, headers=headers))
            views.append(await served.get("/conversations/c/messages?include_reasoning=true"))
            assert await listed(served, "search=because") == ["c"]
        assert len(model.requests) == (1 if len(replies) == 1 else 0)
    assert replies[0] == replies[1]
    assert views[0] == views[1]
    assert replies[0][1]["reasoning"] == "Hm."


@pytest.mark.promise("P8", "P9")
async def test_a_conversation_whose_server_died_can_be_read_exported_and_branched(
    tmp_path: Path,
) -> None:
    script = [think("Hm."), say("Half"), Silence()]
    async with (
        SqliteStore.open(tmp_path / "dead.db") as store,
        serving(ScriptedModel(script), store=store) as served,
    ):
        async with served.events(
            "POST", "/chat/stream-sse", json={"text": "Hi", "conversation_id": "c"}
        ) as stream:
            frame = await anext(stream)
            while frame["event"] != "token":
                frame = await anext(stream)
        await served.runs.hub.writer.save()
        await store.backup(tmp_path / "then.db")
    async with (
        SqliteStore.open(tmp_path / "then.db") as store,
        serving(ScriptedModel([say("Again")]), store=store) as served,
    ):
        _, shown = await served.get("/conversations/c/messages?include_reasoning=true")
        message = shown["messages"][1]
        status, branch = await served.post("/conversations/c/branch", {"run_id": message["run_id"]})
        _, copy = await served.get(
            f"/conversations/{branch['conversation_id']}/messages?include_reasoning=true"
        )
        async with served.session.get(
            f"{served.api}/conversations/c/export?include_reasoning=true"
        ) as response:
            exported = json.loads(await response.read())
    assert (message["status"], message["error"]["code"]) == ("failed", "interrupted")
    assert (message["reasoning"], message["text"]) == ("Hm.", "Half")
    assert status == 201
    assert [each["text"] for each in copy["messages"]] == ["Hi", "Half"]
    assert (copy["messages"][1]["reasoning"], copy["messages"][1]["status"]) == ("Hm.", "failed")
    blocks = exported["runs"][0]["blocks"]
    assert [block["type"] for block in blocks] == ["reasoning", "answer"]
