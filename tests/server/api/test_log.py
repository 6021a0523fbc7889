"""The log's own events over HTTP: lossless, resumable, and without anything that the policy hides."""

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.harness import FixedAttachments
from tests.server.serving import Served, serving, valid
from tests.stores.samples import add_run
from thinkaloud.events import codec
from thinkaloud.events.event import Attachment, LoggedEvent, ModelResponded
from thinkaloud.events.fold import Fold
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.view import ConversationView
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import Stored
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.wires.log.encode import LogForm, log_wire
from thinkaloud.server.wires.policy import view_without_reasoning
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, call_tool, say, think

Json = dict[str, Any]
SESSIONS = sorted((Path(__file__).parents[2] / "sessions").glob("*.jsonl"))
SCRIPT = [think("Let ", "me\n", "see\u2028."), call_tool("no_such_tool", {}, "c1")]
ANSWER = [think("Hm."), say("An\u2028\u0085", "sw\u00e9r", ", in", " words", ".")]
BODY = {"text": "Hi", "conversation_id": "c"}
ALL = {"include_reasoning": "true"}


async def lines(
    served: Served, path: str, *, sse: bool = False, **query: str
) -> tuple[int, list[Json]]:
    """GET a log to its end, each line held against the published schema."""
    document = await served.document("openapi")
    media_type = "text/event-stream" if sse else "application/x-ndjson"
    headers = {"Accept": media_type}
    url = f"{served.api}{path}"
    async with served.session.get(url, params=query, headers=headers) as response:
        if response.status != 200:
            return response.status, []
        assert response.content_type == media_type
        text = (await response.read()).decode()
    content = document["paths"]["/api/v1/runs/{run_id}/log"]["get"]["responses"]["200"]["content"]
    item = content["application/x-ndjson"]["itemSchema"]
    found: list[Json] = []
    number = ""
    for line in text.splitlines():
        name, _, value = line.partition(": ") if sse else ("data", "", line)
        if name == "id":
            number = value
        if name == "data" and value:
            line_found: Json = json.loads(value)
            valid(line_found, item, document)
            assert not sse or str(line_found["seq"]) == number
            found.append(line_found)
    return 200, found


def folded(found: list[Json]) -> ConversationView:
    fold = Fold("c")
    for line in found:
        fold.apply(msgspec.convert(line, LoggedEvent))
    return fold.view()


async def run(served: Served) -> str:
    status, answer = await served.post("/chat/message", BODY)
    assert status == 200
    return str(answer["run_id"])


@pytest.mark.promise("P8")
@pytest.mark.parametrize("sse", [False, True], ids=["ndjson", "sse"])
async def test_the_fold_of_a_log_is_what_the_server_has(*, sse: bool) -> None:
    async with serving(ScriptedModel(SCRIPT, ANSWER)) as served:
        run_id = await run(served)
        view = (await served.runs.hub.fold("local", "c")).view()
        for path in (f"/runs/{run_id}/log", "/conversations/c/log"):
            _, found = await lines(served, path, sse=sse, follow="false", **ALL)
            assert folded(found) == view
        assert len(view.runs[0].blocks) == 4


@pytest.mark.promise("P8")
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_a_recorded_session_goes_over_the_wire_without_loss(path: Path) -> None:
    events = [codec.decode(line) for line in path.read_text(encoding="utf-8").splitlines()]
    log, wire = Fold(events[0].conversation_id), Fold(events[0].conversation_id)
    for each in events:
        log.apply(each)
        line = log_wire("ndjson", reasoning=True).encode(Entry(each, each.seq))
        assert line is not None
        wire.apply(codec.decode(line))
    assert wire.view() == log.view()


@pytest.mark.promise("P7")
@pytest.mark.parametrize("form", ["ndjson", "sse"])
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_hidden_reasoning_and_provider_payloads_are_in_no_line(path: Path, form: LogForm) -> None:
    fold, wire = Fold("c"), log_wire(form, reasoning=False)
    plain = Fold("c")
    for text in path.read_text(encoding="utf-8").splitlines():
        each = codec.decode(text)
        fold.apply(each)
        line = wire.encode(Entry(each, each.seq))
        if line is None:
            continue
        found = json.loads(line.split(b"data: ")[-1])
        event = found["event"]
        assert not event["type"].startswith("reasoning.")
        assert event.get("reasoning_status", "none") == "none"
        assert "native" not in event
        assert event.get("to") != "reasoning"
        plain.apply(msgspec.convert(found, LoggedEvent))
    expected = view_without_reasoning(fold.view())
    assert [run.response for run in plain.view().runs] == [run.response for run in expected.runs]
    assert not any(run.reasoning for run in plain.view().runs)


@pytest.mark.promise("P7", "P13")
@pytest.mark.parametrize("reasoning", [False, True])
def test_a_providers_payload_is_never_sent_and_its_status_only_with_reasoning(
    *, reasoning: bool
) -> None:
    payload = ProviderPayload(Origin("d", "e", "m"), msgspec.Raw(b'{"opaque":"c2VjcmV0"}'))
    event = ModelResponded(1, "stop", "hidden_by_provider", native=payload)
    logged = LoggedEvent(3, 4, "c", "r", event)
    line = log_wire("ndjson", reasoning=reasoning).encode(Entry(logged, 3))
    assert line is not None
    assert b"c2VjcmV0" not in line
    status = "hidden_by_provider" if reasoning else "none"
    assert codec.decode(line).event == ModelResponded(1, "stop", status)


@pytest.mark.promise("P7")
async def test_reasoning_comes_only_where_it_is_asked_for_and_allowed() -> None:
    for policy, query, status in (("allow", {}, "none"), ("deny", ALL, "hidden_by_policy")):
        async with serving(ScriptedModel(SCRIPT, ANSWER), show_reasoning=policy) as served:
            await run(served)
            _, found = await lines(served, "/conversations/c/log", follow="false", **query)
            assert "Hm." not in json.dumps(found)
            statuses = {line["event"].get("reasoning_status", status) for line in found}
            assert statuses == {status}
            assert found[-1]["event"]["type"] == "run.ended"


async def test_a_line_contains_a_files_name_but_not_its_content() -> None:
    secret = base64.b64encode(b"in the picture").decode()
    files = FixedAttachments(
        a=Attachment("a.txt", "text/plain", text="in the text", id="a", bytes=11),
        b=Attachment("b.png", "image/png", base64=secret, id="b", bytes=14),
    )
    async with serving(ScriptedModel([say("Seen.")]), attachments=files) as served:
        body = {**BODY, "context_files": ["a", "b"]}
        assert (await served.post("/chat/message", body))[0] == 200
        _, found = await lines(served, "/conversations/c/log", follow="false")
        view = (await served.runs.hub.fold("local", "c")).view()
    assert [file.name for file in view.runs[0].attachments] == ["a.txt", "b.png"]
    assert folded(found).runs[0].attachments == view.runs[0].attachments
    assert "in the text" not in json.dumps(found)
    assert secret not in json.dumps(found)


@pytest.mark.promise("P6", "P9")
async def test_a_client_resumes_after_any_event_also_when_the_log_was_compacted(
    tmp_path: Path,
) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(SCRIPT, ANSWER), store=store) as served:
            run_id = await run(served)
            logged = [
                json.loads(codec.encode(each))
                for each in await served.runs.hub.logged("local", "c")
            ]
            view = (await served.runs.hub.fold("local", "c")).view()
        async with serving(ScriptedModel(), store=store) as served:
            assert len(await served.runs.hub.logged("local", "c")) < len(logged)
            for cut in range(1, len(logged)):
                after = str(logged[cut - 1]["seq"])
                for path in (f"/runs/{run_id}/log", "/conversations/c/log"):
                    _, rest = await lines(served, path, after=after, follow="false", **ALL)
                    assert all("event" in line for line in rest), "nothing is lost: no snapshot"
                    assert [line["seq"] for line in rest] == sorted({line["seq"] for line in rest})
                    assert rest[0]["seq"] > int(after)
                    assert folded(logged[:cut] + rest) == view


@pytest.mark.promise("P9")
async def test_a_live_log_ends_with_its_run() -> None:
    async with serving(ScriptedModel([say("One"), Silence()])) as served:
        record = await served.runs.start(Principal("local"), RunRequest("Hi", "c"))
        seen: list[Json] = []
        async with served.session.get(f"{served.api}/runs/{record.run_id}/log") as response:
            async for line in response.content:
                if line.strip():
                    seen.append(json.loads(line))
                if line.strip() and seen[-1]["event"]["type"] == "answer.delta":
                    await served.runs.stop("local", record.run_id)
        assert [line["seq"] for line in seen] == list(range(1, len(seen) + 1))
        assert seen[-1]["event"]["type"] == "run.ended"
        last = str(seen[-1]["seq"])
        assert await lines(served, f"/runs/{record.run_id}/log", after=last) == (204, [])
        again = await lines(served, f"/runs/{record.run_id}/log", after=last, follow="false")
        assert again == (200, [])


@pytest.mark.promise("P9")
async def test_a_conversations_log_ends_with_the_reason_when_it_is_deleted() -> None:
    async with serving(ScriptedModel([say("One")])) as served:
        await run(served)
        seen: list[Json] = []
        async with served.session.get(f"{served.api}/conversations/c/log") as response:
            async for line in response.content:
                if line.strip():
                    seen.append(json.loads(line))
                if line.strip() and seen[-1].get("event", {}).get("type") == "run.ended":
                    await served.runs.conversations.delete("local", "c")
        assert seen[-1]["error"]["code"] == "not_found"
        assert (await lines(served, "/conversations/c/log"))[0] == 404


@pytest.mark.promise("P3", "P9")
@pytest.mark.parametrize("kept", [1, 4, 6])
async def test_only_after_a_crash_a_snapshot_replaces_lost_events(kept: int) -> None:
    """The client saw more than what was on disk: the server died between the two."""
    living, dead = MemoryStore(), MemoryStore()
    async with serving(ScriptedModel(SCRIPT, ANSWER), store=living) as served:
        run_id = await run(served)
        logged = await served.runs.hub.logged("local", "c")
        conversation = await living.conversation("local", "c")
        record = await living.run("local", run_id)
    assert conversation is not None
    assert record is not None
    await dead.create_conversation(conversation)
    await add_run(dead, record)
    await dead.append({("local", "c"): [Stored(each.seq, each) for each in logged[:kept]]})
    await dead.reserve("local", "c", 1_000)
    async with serving(ScriptedModel(), store=dead) as served:
        view = (await served.runs.hub.fold("local", "c")).view()
        _, rest = await lines(served, f"/runs/{run_id}/log", after="8", **ALL)
        assert ["snapshot" in line for line in rest] == [True] + [False] * (len(rest) - 1)
        assert rest[-1]["event"]["type"] == "run.ended"
        # The state of the snapshot plus the events after it is the state of the server.
        before = [json.loads(codec.encode(each)) for each in logged[:kept]]
        assert rest[0]["snapshot"]["runs"] == json.loads(msgspec.json.encode(folded(before).runs))
        assert folded(before + rest[1:]) == view
        _, plain = await lines(served, f"/runs/{run_id}/log", after="8")
        assert "Let " not in json.dumps(plain)
        assert "snapshot" in plain[0]
        _, all_of_it = await lines(served, f"/runs/{run_id}/log", **ALL)
        assert folded(all_of_it) == view
