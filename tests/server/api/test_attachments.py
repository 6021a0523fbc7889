"""Attachments: what is sent to the model, what clients see of them, and what a run keeps."""

import base64
from collections.abc import Sequence

import msgspec
import pytest

from tests.channels.sockets import client
from tests.harness import OWNER, FakeClock
from tests.server.api.test_upload import PNG, open_server, upload
from tests.server.serving import TRANSPORTS, Json, Served, exchange_over
from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.testing import ScriptedModel, say

GIF = b"GIF89a\x01\x00\x01\x00"
HOSTILE = "`</li><img src=x onerror=alert(1)>`\u202egnp.txt"


def user_turns(request: ModelRequest) -> list[UserTurn]:
    return [turn for turn in request.turns if isinstance(turn, UserTurn)]


def pictures(turn: UserTurn) -> list[bytes]:
    return [base64.b64decode(image.base64) for image in turn.images]


async def upload_all(served: Served, *files: tuple[str, bytes]) -> list[Json]:
    return [(await upload(served, data, name))[1] for name, data in files]


def descriptions(files: Sequence[Json]) -> list[Json]:
    return [{key: file[key] for key in ("id", "name", "media_type", "bytes")} for file in files]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_several_pictures_and_texts_reach_the_model_in_order_and_again_with_the_next_message(
    transport: str,
) -> None:
    model = ScriptedModel([say("Seen.")], [say("Still.")])
    async with open_server(model) as served:
        one, note, two, three = await upload_all(
            served, ("1.png", PNG), ("n.txt", b"note"), ("2.gif", GIF), ("3.png", PNG + b"3")
        )
        names = [one["id"], note["id"], two["id"]]
        await exchange_over(
            transport, served, conversation_id="c", context_files=names, image_path=three["id"]
        )
        await exchange_over(transport, served, conversation_id="c", text="And now?")
    for request in model.requests:
        first = user_turns(request)[0]
        assert pictures(first) == [PNG, GIF, PNG + b"3"]
        assert first.text == '<file name="n.txt">\nnote\n</file>\n\nHello'


@pytest.mark.promise("P8")
async def test_messages_live_view_snapshot_and_both_exports_name_the_files() -> None:
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        picture, note = await upload_all(served, ("p.png", PNG), (HOSTILE, b"note"))
        files = descriptions([picture, note])
        names = [picture["id"], note["id"]]
        async with client(served) as socket:
            await socket.say("c", context_files=names)
            frames = await socket.until("turn_end")
            (live,) = [frame for frame in frames if frame["event"] == "message_accepted"]
            await socket.attach("c")
            frames = await socket.until("snapshot")
            (run,) = frames[-1]["conversation"]["runs"]
        _, messages = await served.get("/conversations/c/messages")
        _, exported = await served.get("/conversations/c/export?format=json")
        async with served.session.get(
            f"{served.api}/conversations/c/export?format=markdown"
        ) as response:
            markdown = await response.text()
    assert live["attachments"] == run["attachments"] == files
    assert messages["messages"][0]["attachments"] == files
    assert exported["runs"][0]["attachments"] == files
    assert "- `p.png` (image/png, 16 bytes)\n" in markdown
    assert "- `` li__img src=x onerror=alert(1)_`gnp.txt `` (text/plain, 4 bytes)\n" in markdown


async def test_no_frame_or_document_contains_a_files_content() -> None:
    canary = b"canary-in-file"
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        (note,) = await upload_all(served, ("n.txt", canary))
        exchange = await exchange_over(
            "sse", served, conversation_id="c", context_files=[note["id"]], include_reasoning=True
        )
        _, messages = await served.get("/conversations/c/messages")
        _, exported = await served.get("/conversations/c/export?format=json")
    assert canary.decode() not in f"{exchange.frames} {messages} {exported}"


async def test_a_picture_for_a_model_without_images_is_refused_by_name() -> None:
    async with open_server(ScriptedModel(images=False)) as served:
        note, picture = await upload_all(served, ("n.txt", b"note"), ("cat.png", PNG))
        exchange = await exchange_over("rest", served, context_files=[note["id"], picture["id"]])
        assert exchange.error is not None
        assert (exchange.error["code"], exchange.error["field"]) == (
            "invalid_request",
            "context_files",
        )
        assert "'cat.png'" in exchange.error["detail"]
        exchange = await exchange_over("rest", served, image_path=picture["id"])
        assert exchange.error is not None
        assert exchange.error["field"] == "image_path"


async def test_image_path_rejects_text_files() -> None:
    async with open_server() as served:
        (note,) = await upload_all(served, ("n.txt", b"note"))
        exchange = await exchange_over("rest", served, image_path=note["id"])
    assert exchange.error is not None
    assert (exchange.error["status"], exchange.error["field"]) == (422, "image_path")


async def test_pictures_without_text_are_a_message_and_nothing_is_not() -> None:
    model = ScriptedModel([say("A cat.")])
    async with open_server(model) as served:
        (picture,) = await upload_all(served, ("cat.png", PNG))
        exchange = await exchange_over("rest", served, text="", context_files=[picture["id"]])
        assert exchange.complete is not None
        exchange = await exchange_over("rest", served, text="", context_files=[])
        assert exchange.error is not None
        assert exchange.error["field"] == "text"
    assert pictures(user_turns(model.requests[0])[0]) == [PNG]


async def test_the_files_of_a_message_have_a_total_limit() -> None:
    model = ScriptedModel([say("Seen.")])
    async with open_server(model, limits=Limits(max_attachment_bytes=32)) as served:
        one, two, three = await upload_all(served, ("1.png", PNG), ("2.png", PNG), ("3.txt", b"x"))
        names = [one["id"], two["id"], three["id"]]
        exchange = await exchange_over("rest", served, context_files=names)
        assert exchange.error is not None
        assert (exchange.error["status"], exchange.error["field"]) == (422, "context_files")
        assert "'3.txt'" in exchange.error["detail"]
        exchange = await exchange_over("rest", served, context_files=names[:2])
        assert exchange.complete is not None


async def test_a_model_without_image_support_can_continue_a_conversation_with_images() -> None:
    sees, reads = (
        ScriptedModel([say("A cat.")]),
        ScriptedModel([say("So I hear.")], model_id="scripted/blind", images=False),
    )
    async with open_server(sees, reads) as served:
        (picture,) = await upload_all(served, ("cat.png", PNG))
        await exchange_over("rest", served, conversation_id="c", context_files=[picture["id"]])
        exchange = await exchange_over(
            "rest", served, conversation_id="c", text="Sure?", model=reads.info.id
        )
    assert exchange.complete is not None
    first = user_turns(reads.requests[0])[0]
    assert pictures(first) == []
    assert first.text == '<picture name="cat.png">not shown again</picture>\n\nHello'


@pytest.mark.promise("P8")
async def test_a_replacement_keeps_the_files_even_if_they_were_deleted() -> None:
    model = ScriptedModel(*([say("Seen.")] for _ in range(4)))
    async with open_server(model) as served:
        picture, note = await upload_all(served, ("cat.png", PNG), ("n.txt", b"note"))
        names = {"context_files": [note["id"]], "image_path": picture["id"]}
        exchange = await exchange_over("rest", served, conversation_id="c", **names)
        for file in (picture, note):
            async with served.session.delete(f"{served.api}/uploads/{file['id']}") as response:
                assert response.status == 204
        for given in ({}, names, {"context_files": []}):
            assert exchange.complete is not None
            run_id = exchange.complete["run_id"]
            exchange = await exchange_over(
                "rest", served, conversation_id="c", replaces=run_id, **given
            )
        assert exchange.complete is not None
        _, messages = await served.get("/conversations/c/messages")
    sent = [user_turns(request) for request in model.requests]
    assert sent[0] == sent[1] == sent[2]
    assert sent[3] == [UserTurn("Hello")]
    assert messages["messages"][0]["attachments"] == []


async def test_a_files_content_is_in_the_log_once_however_often_the_message_is_regenerated() -> (
    None
):
    store = MemoryStore()
    model = ScriptedModel(*([say("Seen.")] for _ in range(5)))
    async with open_server(model, store=store) as served:
        picture, note = await upload_all(served, ("cat.png", PNG), ("n.txt", b"canary"))
        names = [picture["id"], note["id"]]
        exchange = await exchange_over("rest", served, conversation_id="c", context_files=names)
        for _ in range(3):
            assert exchange.complete is not None
            run_id = exchange.complete["run_id"]
            exchange = await exchange_over("rest", served, conversation_id="c", replaces=run_id)
    log = msgspec.json.encode([each.logged for each in await store.read(OWNER, "c", 0, 1000)])
    assert log.count(b"canary") == 1
    assert log.count(base64.b64encode(PNG)) == 1
    async with open_server(model, store=store) as served:
        assert exchange.complete is not None
        point = {"run_id": exchange.complete["run_id"]}
        _, branch = await served.post("/conversations/c/branch", point)
        await served.session.delete(f"{served.api}/conversations/c")
        here = branch["conversation_id"]
        _, messages = await served.get(f"/conversations/{here}/messages")
        (run_id, _) = (each["run_id"] for each in messages["messages"])
        async with served.session.get(f"{served.api}/runs/{run_id}/attachments/1") as response:
            assert await response.read() == PNG
        await exchange_over("rest", served, conversation_id=here, text="And now?")
    assert len({msgspec.json.encode(user_turns(each)[0]) for each in model.requests}) == 1
    assert pictures(user_turns(model.requests[4])[0]) == [PNG]


async def test_a_sent_picture_can_be_viewed_and_a_sent_text_only_downloaded() -> None:
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        picture, page = await upload_all(served, ("cat.html", PNG), ("größe.html", b"<script>"))
        names = [picture["id"], page["id"]]
        exchange = await exchange_over("rest", served, conversation_id="c", context_files=names)
        assert exchange.complete is not None
        await served.session.delete(f"{served.api}/uploads/{picture['id']}")
        here = f"{served.api}/runs/{exchange.complete['run_id']}/attachments"
        async with served.session.get(f"{here}/1") as shown:
            assert await shown.read() == PNG
        async with served.session.get(f"{here}/2") as saved:
            assert await saved.read() == b"<script>"
        for number in ("0", "3", "-1", "01", "x"):
            async with served.session.get(f"{here}/{number}") as response:
                assert (response.status, (await response.json())["code"]) == (404, "not_found")
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["Content-Disposition"] == 'inline; filename="cat.html"'
    assert saved.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert saved.headers["Content-Disposition"] == (
        "attachment; filename=\"groe.html\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.html"
    )
    for response in (shown, saved):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].endswith("sandbox")
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.promise("P12")
async def test_a_file_of_another_owners_run_is_not_found() -> None:
    uploads = MemoryUploads(FakeClock())
    theirs = await uploads.keep("bob", "cat.png", "image/png", PNG)
    async with open_server(ScriptedModel([say("Seen.")]), uploads=uploads) as served:
        run = await served.runs.start(
            Principal("bob"), RunRequest("Hi", context_files=(theirs.id,))
        )
        await served.runs.active.wait(run.run_id)
        status, problem = await served.get(f"/runs/{run.run_id}/attachments/1")
    assert (status, problem["code"]) == (404, "not_found")
