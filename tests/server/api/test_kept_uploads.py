"""Stored uploads: listed, downloaded, deleted, and removed with the conversation that used them."""

from typing import Any

import pytest

from tests.harness import FakeClock
from tests.server.api.test_upload import PNG, open_server, upload
from tests.server.serving import Json, Served, exchange_over, serving, valid
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.testing import ScriptedModel, say
from thinkaloud.tools.attachments import NamedFiles


async def listed(served: Served, **query: Any) -> Json:
    """A page of uploads, held against the published schema."""
    status, page = await served.get("/uploads", params=query)
    assert status == 200
    document = await served.document("openapi")
    answer = document["paths"]["/api/v1/uploads"]["get"]["responses"]["200"]
    valid(page, answer["content"]["application/json"]["schema"], document)
    return page


async def names(served: Served) -> list[str]:
    return [each["name"] for each in (await listed(served))["uploads"]]


async def delete(served: Served, path: str) -> int:
    async with served.session.delete(f"{served.api}{path}") as response:
        return response.status


async def test_uploads_are_listed_the_newest_first_a_page_at_a_time() -> None:
    clock = FakeClock()
    async with open_server(uploads=MemoryUploads(clock)) as served:
        for number in range(5):
            await clock.sleep(1)
            await upload(served, b"x" * (number + 1), f"{number}.txt")
        found: list[Json] = []
        pages = 0
        before = ""
        while before is not None:
            page = await listed(served, limit="2", before=before)
            found += page["uploads"]
            before = page["next_before"]
            pages += 1
        status, problem = await served.get("/uploads?before=1:upl_x")
    assert [(each["name"], each["bytes"]) for each in found] == [
        (f"{number}.txt", number + 1) for number in range(4, -1, -1)
    ]
    assert pages == 3
    assert (status, problem["field"]) == (422, "before")


async def test_an_upload_is_served_with_its_type_and_deleted_once() -> None:
    async with open_server() as served:
        _, picture = await upload(served, PNG, "cat.html", content_type="text/html")
        _, page = await upload(served, b"<script>alert(1)</script>", "page.html")
        for kept, kind, how in (
            (picture, "image/png", 'inline; filename="cat.html"'),
            (page, "text/plain; charset=utf-8", 'attachment; filename="page.html"'),
        ):
            async with served.session.get(f"{served.api}/uploads/{kept['id']}") as response:
                assert len(await response.read()) == kept["bytes"]
                assert response.headers["Content-Type"] == kind
                assert response.headers["Content-Disposition"] == how
                assert response.headers["Content-Security-Policy"].endswith("sandbox")
                assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert await delete(served, f"/uploads/{page['id']}") == 204
        assert await delete(served, f"/uploads/{page['id']}") == 404
        status, _ = await served.get(f"/uploads/{page['id']}")
        assert status == 404
        assert await names(served) == ["cat.html"]


@pytest.mark.promise("P12")
async def test_an_upload_of_another_owner_is_not_listed_and_cannot_be_read_or_deleted() -> None:
    uploads = MemoryUploads(FakeClock())
    theirs = await uploads.keep("bob", "p.png", "image/png", PNG)
    async with open_server(uploads=uploads) as served:
        assert await names(served) == []
        for name in (theirs.id, "upl_" + "0" * 32, "..%2Fetc%2Fpasswd", f"{theirs.id}.json"):
            status, problem = await served.get(f"/uploads/{name}")
            assert (status, problem["code"]) == (404, "not_found")
            assert await delete(served, f"/uploads/{name}") == 404
    assert await uploads.get("bob", theirs.id) is not None


@pytest.mark.parametrize("name", ['a"; x=y.txt', "\uff02; filename=evil.html", "a%0d%0ab.txt"])
async def test_a_name_stays_inside_its_header(name: str) -> None:
    uploads = MemoryUploads(FakeClock())
    kept = await uploads.keep("local", name, "text/plain", b"x")
    async with (
        open_server(uploads=uploads) as served,
        served.session.get(f"{served.api}/uploads/{kept.id}") as response,
    ):
        disposition = response.headers["Content-Disposition"]
    value = disposition.removeprefix('attachment; filename="').partition('"')[0]
    assert not set(value) & set('"\\;%\r\n')
    assert disposition.partition(f'filename="{value}"')[2].startswith("; filename*=UTF-8''")
    assert disposition.count('"') == 2
    assert disposition.count(";") == 2


async def test_deleting_a_conversation_deletes_the_uploads_that_only_it_used() -> None:
    model = ScriptedModel(*([say("Seen.")] for _ in range(3)))
    async with open_server(model) as served:
        files = {each: (await upload(served, PNG, each))[1]["id"] for each in ("mine", "both")}
        await upload(served, PNG, "unused")
        await exchange_over("rest", served, conversation_id="a", context_files=list(files.values()))
        await exchange_over("rest", served, conversation_id="b", image_path=files["both"])
        assert await delete(served, "/conversations/a") == 204
        assert sorted(await names(served)) == ["both", "unused"]
        assert await delete(served, "/conversations/b") == 204
        assert await names(served) == ["unused"]


async def test_a_branch_keeps_the_uploads_of_its_original() -> None:
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        _, picture = await upload(served, PNG, "cat.png")
        exchange = await exchange_over(
            "rest", served, conversation_id="a", context_files=[picture["id"]]
        )
        assert exchange.complete is not None
        point = {"run_id": exchange.complete["run_id"]}
        _, branch = await served.post("/conversations/a/branch", point)
        await delete(served, "/conversations/a")
        assert await names(served) == ["cat.png"]
        await delete(served, f"/conversations/{branch['conversation_id']}")
        assert await names(served) == []


async def test_uploads_of_temporary_conversations_are_deleted_at_the_next_start() -> None:
    uploads, store = MemoryUploads(FakeClock()), MemoryStore()
    files = NamedFiles(uploads, None)
    model = ScriptedModel([say("Seen.")], [say("Seen.")])
    async with serving(model, uploads=uploads, attachments=files, store=store) as served:
        for name in ("passing", "lasting"):
            _, kept = await upload(served, PNG, name)
            given = {"temporary": True} if name == "passing" else {"conversation_id": "c"}
            await exchange_over("rest", served, context_files=[kept["id"]], **given)
        assert sorted(await names(served)) == ["lasting", "passing"]
    async with serving(model, uploads=uploads, attachments=files, store=store) as served:
        assert await names(served) == ["lasting"]


async def test_a_run_cannot_use_another_owners_upload() -> None:
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        _, kept = await upload(served, PNG, "cat.png")
        await served.runs.start(Principal("bob"), RunRequest("Hi", conversation_id="theirs"))
        await served.services.uploads.use("bob", [kept["id"]], "theirs")
        await served.runs.conversations.delete("bob", "theirs")
        assert await names(served) == ["cat.png"]
