"""On every route, another owner's objects look exactly like objects that never existed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from tests.server.credentials import Named, credential
from tests.server.serving import Served, serving
from thinkaloud.ports.principal import Principal
from thinkaloud.testing import ScriptedModel, Silence, say, think

ANA, BOB = credential("ana"), credential("bob")
SECRET = "canary-4711"
VARYING = {"date", "x-request-id"}
NOT_OWNED = {"key_id"}
"""Parameters of paths that name no object of an owner."""
ABSENT = {
    "conversation_id": "no-such-conversation",
    "chat_id": "no-such-conversation",
    "run_id": "run_000000000000000000000000",
    "upload_id": "up_00000000000000000000000000000000",
    "approval_id": "apr_ffffffffffffffffffffffff",
    "question_id": "qst_ffffffffffffffffffffffff",
    "number": "1",
}


class Place(NamedTuple):
    """A route with parameters in its path."""

    method: str
    path: str
    names: tuple[str, ...]


@asynccontextmanager
async def with_two_owners() -> AsyncGenerator[tuple[Served, dict[str, str]]]:
    """Serve, and return the ids of what Ana has: an ended and an active run, and an upload."""
    known = Named(ana=Principal("ana"), bob=Principal("bob"))
    model = ScriptedModel([think(SECRET), say(SECRET)], [think(SECRET), Silence()])
    async with serving(model, authenticator=known) as served:
        body = {"text": SECRET, "conversation_id": "anas-conversation"}
        _, ended = await served.post("/chat/message", body, headers=ANA)
        url = f"{served.api}/chat/stream-sse"
        async with served.session.post(url, json=body, headers=ANA):
            pass
        kept = await served.services.uploads.keep("ana", "a.txt", "text/plain", SECRET.encode())
        yield (
            served,
            {
                "conversation_id": "anas-conversation",
                "chat_id": "anas-conversation",
                "run_id": ended["run_id"],
                "upload_id": kept.id,
                "approval_id": "apr_000000000000000000000000",
                "question_id": "qst_000000000000000000000000",
                "number": "1",
            },
        )


async def places(served: Served) -> list[Place]:
    """The routes that name an object, from the published document."""
    async with served.session.get(f"{served.url}/api/openapi.json", headers=ANA) as response:
        paths = (await response.json())["paths"]
    found = [
        Place(method.upper(), path, tuple(part[1:-1] for part in path.split("/") if "{" in part))
        for path, operations in paths.items()
        for method in operations
    ]
    return [each for each in found if each.names and not NOT_OWNED & set(each.names)]


def bodies(ids: Mapping[str, str]) -> list[dict[str, Any] | None]:
    """What is sent to each route: nothing, and one body with all the fields that any of them reads."""
    return [None, {"title": "Mine", "run_id": ids["run_id"], "point": ids["run_id"]}]


async def answer(
    served: Served, place: Place, ids: Mapping[str, str], body: object
) -> tuple[int, dict[str, str], str]:
    """Ask as Bob. The ids are removed from the response, which may repeat the request's."""
    path = place.path
    for name in place.names:
        path = path.replace(f"{{{name}}}", ids[name])
    given = {"json": body} if body is not None else {}
    url = served.url + path
    async with served.session.request(place.method, url, headers=BOB, **given) as response:
        text = await response.text()
        headers = {k.lower(): v for k, v in response.headers.items()}
    text = text.replace(headers["x-request-id"], "")
    for value in ids.values():
        text = text.replace(value, "") if len(value) > 1 else text
    kept = {k: v for k, v in headers.items() if k not in VARYING | {"content-length"}}
    return response.status, kept, text


@pytest.mark.promise("P12")
async def test_another_owners_object_answers_like_one_that_never_existed_on_every_route() -> None:
    async with with_two_owners() as (served, theirs):
        found = await places(served)
        for place in found:
            for body, absent in zip(bodies(theirs), bodies(ABSENT), strict=True):
                one = await answer(served, place, theirs, body)
                other = await answer(served, place, ABSENT, absent)
                assert one == other, (place, body)
                assert one[0] in {404, 415, 422}, (place, body)
                assert SECRET not in one[2]
        assert len(found) > 15
        # Everything is still there, and still active.
        assert len(served.runs.active) == 1
        assert (await served.get("/conversations/anas-conversation", headers=ANA))[0] == 200
        assert await served.services.uploads.get("ana", theirs["upload_id"]) is not None


@pytest.mark.promise("P12")
@pytest.mark.parametrize("path", ["/conversations", f"/conversations?search={SECRET}", "/uploads"])
async def test_a_list_or_a_search_has_nothing_of_another_owner(path: str) -> None:
    async with with_two_owners() as (served, _):
        status, listed = await served.get(path, headers=BOB)
        assert status == 200
        assert [each for each in listed.values() if each] == []


@pytest.mark.promise("P12")
async def test_a_message_that_names_another_owners_object_finds_what_it_would_without() -> None:
    async with with_two_owners() as (served, theirs):
        for field, name in (
            ("replaces", "run_id"),
            ("context_files", "upload_id"),
            ("image_path", "upload_id"),
        ):
            answers = []
            for ids in (theirs, ABSENT):
                value: object = [ids[name]] if field == "context_files" else ids[name]
                body = {"text": "Hi", "conversation_id": "anas-conversation", field: value}
                status, problem = await served.post("/chat/message", body, headers=BOB)
                detail = problem["detail"].replace(ids[name], "")
                answers.append((status, problem["code"], problem["field"], detail))
            assert answers[0] == answers[1], field
            assert answers[0][0] == 422


@pytest.mark.promise("P12")
async def test_another_owners_idempotency_key_starts_a_new_run() -> None:
    known = Named(ana=Principal("ana"), bob=Principal("bob"))
    async with serving(
        ScriptedModel([say(SECRET)], [say("Hello.")]), authenticator=known
    ) as served:
        body, key = {"text": "Hi"}, {"Idempotency-Key": "k"}
        _, first = await served.post("/chat/message", body, headers={**ANA, **key})
        _, second = await served.post("/chat/message", body, headers={**BOB, **key})
    assert (first["response"], second["response"]) == (SECRET, "Hello.")
    assert first["run_id"] != second["run_id"]
