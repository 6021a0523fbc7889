"""Attacks by other owners: with their ids, names and keys, on every route, socket and protocol."""

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.attacks.entry_points import (
    MESSAGES,
    SOCKETS,
    STREAMS,
    Route,
    filled,
    routes,
    say_hi,
    upload,
)
from tests.attacks.work import recorded
from tests.server.access.keyed import Headers, Keyed, bearer, keyed
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, say, think

SECRET = "xylophone"
IDS = {"conversation_id", "chat_id", "run_id", "upload_id", "response_id"}
BODIES: Mapping[str, Mapping[str, str]] = {
    "POST /api/v1/conversations/{conversation_id}/versions": {"run_id": "{run_id}"},
    "PATCH /api/v1/conversations/{conversation_id}": {"title": "Mine now"},
    "POST /api/v1/conversations/{conversation_id}/branch": {"run_id": "{run_id}"},
    "POST /api/v1/runs/{run_id}/approvals/{approval_id}": {"decision": "approve"},
    "POST /api/v1/runs/{run_id}/questions/{question_id}": {"action": "accept"},
}
"""Bodies with which a request gets as far as the look-up."""
VOLATILE = {"date", "x-request-id", "content-length"}
Owned = dict[str, str]


@asynccontextmanager
async def with_belongings(**options: Any) -> AsyncGenerator[tuple[Keyed, Owned]]:
    """A server on which Ada has an ended run, an active one, an upload and a response."""
    model = ScriptedModel(
        [think(SECRET), say(SECRET)],
        [think(SECRET), say(SECRET)],
        [think(SECRET), Silence()],
        *[[say("Hi")]] * 20,
    )
    async with keyed(model=model, **options) as keys:
        ada = await keys.bearer("ada")
        _, made = await keys.served.post(
            "/chat/message", {"text": SECRET, "conversation_id": "adas-room"}, headers=ada
        )
        url = f"{keys.url}/v1/responses"
        body = {"input": SECRET, "store": True}
        async with keys.served.session.post(url, json=body, headers=ada) as response:
            kept = (await response.json())["id"]
        message = MESSAGES["ai sdk"]
        url = keys.url + message.path
        async with keys.served.session.post(
            url, json=message.body("adas-chat"), headers=ada
        ) as response:
            assert response.status == 200
            yield (
                keys,
                {
                    "conversation_id": "adas-room",
                    "chat_id": "adas-chat",
                    "run_id": made["run_id"],
                    "upload_id": await upload(keys.served, ada),
                    "response_id": kept,
                    "approval_id": "apr_000000000000000000000000",
                    "question_id": "qst_000000000000000000000000",
                },
            )
            assert len(keys.served.runs.active) == 1


def never(theirs: Owned) -> Owned:
    """Ids of the same form that were never assigned."""
    found = {name: re.sub(r"[0-9a-z]{4}\Z", "ffff", value) for name, value in theirs.items()}
    assert all(found[name] != theirs[name] for name in theirs)
    return found


def owned(keys: Keyed) -> list[Route]:
    """The routes of one owner's objects; those that delete come last."""
    found = [each for each in routes(keys.served) if IDS & set(each.names)]
    return sorted(found, key=lambda each: each.method == "DELETE")


async def exchange(
    keys: Keyed, route: Route, ids: Owned, headers: Headers
) -> tuple[int, str, list[str]]:
    """Send a request; return what differs for a client: status, body and headers, without ids."""
    body = {name: filled(text, ids) for name, text in BODIES.get(str(route), {}).items()}
    async with keys.served.session.request(
        route.method,
        keys.url + route.at(ids),
        headers=headers,
        json=None if route.method == "GET" else body,
    ) as response:
        text = await response.text()
        for value in (*ids.values(), response.headers.get("X-Request-ID", "")):
            text = text.replace(value, "…") if value else text
        sent = sorted(f"{k}: {v}" for k, v in response.headers.items() if k.lower() not in VOLATILE)
        return response.status, text, sent


@pytest.mark.promise("P12")
async def test_what_belongs_to_another_owner_looks_on_every_route_as_if_it_did_not_exist() -> None:
    async with with_belongings() as (keys, theirs):
        bob = await keys.bearer("bob")
        root = bearer(await keys.key("root", role="admin", scopes=("admin", "chat", "read")))
        places = owned(keys)
        for route in places:
            for headers in (bob, root):
                real = await exchange(keys, route, theirs, headers)
                unknown = await exchange(keys, route, never(theirs), headers)
                assert real == unknown, route
                assert SECRET not in real[1], route
                if "/ai-sdk/" not in route.path:
                    assert real[0] in {404, 204}, route
        # A request that finds nothing must also have changed nothing.
        ada = await keys.bearer("other", owner="ada")
        for route in places:
            if (
                route.method == "GET"
                and not STREAMS.search(route.path)
                and "number" not in route.names
            ):
                status, text, _ = await exchange(keys, route, theirs, ada)
                assert status == 200, (route, text)
    assert len(places) > 20


@pytest.mark.promise("P12")
async def test_another_owners_id_costs_as_much_work_as_one_that_never_existed(
    tmp_path: Any,
) -> None:
    with recorded() as work:
        async with (
            SqliteStore.open(tmp_path / "conversations.db") as store,
            with_belongings(conversations=store) as (keys, theirs),
        ):
            bob = await keys.bearer("bob")
            for route in owned(keys):

                async def real(route: Route = route) -> None:
                    await exchange(keys, route, theirs, bob)

                async def unknown(route: Route = route) -> None:
                    await exchange(keys, route, never(theirs), bob)

                difference = await work.difference(real, unknown)
                assert not difference, (route, difference)


@pytest.mark.promise("P12")
async def test_a_wrong_secret_costs_as_much_work_as_an_unknown_key() -> None:
    with recorded() as work:
        async with keyed() as keys:
            issued = await keys.key("ada")
            wrong = f"ta_{issued.key.key_id}_{'x' * 43}"
            unknown = f"ta_{'a' * 12}_{'x' * 43}"
            for name in ("Authorization", "x-api-key"):

                async def send(value: str, name: str = name) -> None:
                    sent = f"Bearer {value}" if name == "Authorization" else value
                    assert (await keys.ask("GET", "/me", {name: sent}))[0] in {401, 429}

                difference = await work.difference(lambda: send(wrong), lambda: send(unknown))
                assert not difference, (name, difference)


SOCKET_FRAMES = [
    ({"type": "resume", "run_id": "{run_id}"}, SOCKETS[0]),
    ({"type": "resume", "conversation_id": "{conversation_id}"}, SOCKETS[0]),
    ({"type": "stop", "run_id": "{run_id}"}, SOCKETS[0]),
    ({"text": "Hi", "replaces": "{run_id}"}, SOCKETS[0]),
    ({"type": "attach", "chat_id": "{conversation_id}"}, SOCKETS[1]),
    ({"type": "attach", "chat_id": "{conversation_id}", "events": "log", "after": 1}, SOCKETS[1]),
    ({"type": "earlier", "chat_id": "{conversation_id}", "before": "{run_id}"}, SOCKETS[1]),
    ({"type": "stop", "chat_id": "{chat_id}"}, SOCKETS[1]),
]


@pytest.mark.promise("P12")
@pytest.mark.parametrize(("frame", "path"), SOCKET_FRAMES)
async def test_a_reconnecting_socket_reaches_nothing_of_another_owner(
    frame: Mapping[str, Any], path: str
) -> None:
    async with with_belongings() as (keys, theirs):
        bob, answers = await keys.bearer("bob"), []
        for ids in (theirs, never(theirs)):
            sent = json.loads(filled(json.dumps(frame).replace('"{', '"{'), ids))
            async with keys.served.session.ws_connect(keys.url + path, headers=bob) as socket:
                if path == SOCKETS[1]:
                    assert (await socket.receive_json())["event"] == "ready"
                await socket.send_json(sent)
                text = (await socket.receive()).data
            for value in ids.values():
                text = text.replace(value, "…")
            answers.append(text)
        assert answers[0] == answers[1]
        assert SECRET not in answers[0]


@pytest.mark.promise("P12")
@pytest.mark.parametrize("name", [*(each for each in MESSAGES if MESSAGES[each].conversations)])
async def test_a_conversation_and_an_idempotency_key_of_another_owner_are_ones_own(
    name: str,
) -> None:
    async with with_belongings() as (keys, _):
        bob, once = await keys.bearer("bob"), {"Idempotency-Key": "once"}
        ada = await keys.bearer("third", owner="ada")
        _, mine = await say_hi(keys.served, name, {**ada, **once}, "adas-room", runId="r")
        status, text = await say_hi(keys.served, name, {**bob, **once}, "adas-room", runId="r")
        assert status == 200
        assert SECRET not in text
        assert run_id(mine) != run_id(text)
        _, listed, _ = await keys.ask("GET", "/conversations/adas-room/messages", bob)
        assert SECRET not in json.dumps(listed)
        assert len(listed["messages"]) == 2


def run_id(text: str) -> str:
    found = re.search(r"run_[0-9a-f]{16,}", text)
    assert found is not None
    return found.group()


@pytest.mark.promise("P12")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/responses", {"input": "Hi", "previous_response_id": "{response_id}"}),
        ("/api/v1/chat/message", {"text": "Hi", "replaces": "{run_id}"}),
        ("/api/v1/chat/message", {"text": "Hi", "context_files": ["{upload_id}"]}),
        ("/api/v1/chat/stream-sse", {"text": "Hi", "image_path": "{upload_id}"}),
    ],
)
async def test_a_message_that_names_another_owners_object_finds_what_it_would_without(
    path: str, body: Mapping[str, Any]
) -> None:
    async with with_belongings() as (keys, theirs):
        bob, answers = await keys.bearer("bob"), []
        for ids in (theirs, never(theirs)):
            sent = filled(json.dumps(body), ids)
            headers = {**bob, "Content-Type": "application/json"}
            async with keys.served.session.post(
                keys.url + path, data=sent, headers=headers
            ) as response:
                text = await response.text()
                for value in (*ids.values(), response.headers["X-Request-ID"]):
                    text = text.replace(value, "…")
                answers.append((response.status, text))
        assert answers[0] == answers[1]
        assert answers[0][0] in {404, 422}
