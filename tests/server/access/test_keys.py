"""Admins manage keys and read the audit log."""

import json
import logging

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.auth.people import SetClock
from tests.server.access.keyed import bearer, keyed
from thinkaloud.ports.principal import ALL_SCOPES

PLACES = [
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("PATCH", "/keys/abc"),
    ("DELETE", "/keys/abc"),
    ("GET", "/audit"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
async def test_only_admins_manage_keys(method: str, path: str) -> None:
    async with keyed() as server:
        for fields in ({}, {"role": "admin", "scopes": ("chat", "read", "metrics")}):
            headers = await server.bearer(**fields)
            claims = {**headers, "X-Role": "admin", "X-Scopes": "admin"}
            status, problem, _ = await server.ask(method, path, claims, {"role": "admin"})
            assert (status, problem["code"], problem["field"]) == (403, "forbidden", "scope")


async def test_a_key_is_created_shown_once_and_listed_without_its_secret() -> None:
    async with keyed() as server:
        admin = await server.bearer("root", role="admin")
        body = {"name": "phone", "owner": "ada", "expires": "30d", "models": ["lab/*"]}
        status, created, headers = await server.ask("POST", "/keys", admin, body)
        assert status == 201
        assert headers["Cache-Control"] == "no-store"
        key = created.pop("key")
        assert key.startswith(f"ta_{created['id']}_")
        assert created["expires_at_ms"] - created["created_at_ms"] == 30 * 86_400_000
        _, me, _ = await server.ask("GET", "/me", {"x-api-key": key})
        assert (me["owner"], me["models"]) == ("ada", ["lab/*"])
        _, listed, _ = await server.ask("GET", "/keys", admin)
        assert [each["name"] for each in listed["keys"]] == ["root", "phone"]
        assert listed["keys"][1] == created
        assert key.rpartition("_")[2] not in str(listed)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a", "role": "root"}, "role"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["everything"]}, "scopes[0]"),
        ({"name": "a", "expires": "soon"}, "expires"),
        ({"name": "a", "tokens_per_day": -1}, "tokens_per_day"),
        ({"name": "a", "max_effort": "extreme"}, "max_effort"),
        ({"name": "a", "reasoning": "hide"}, "reasoning"),
    ],
)
async def test_a_field_of_a_new_key_that_is_wrong_is_named(
    body: dict[str, object], field: str
) -> None:
    async with keyed() as server:
        admin = await server.bearer("root", role="admin")
        status, problem, _ = await server.ask("POST", "/keys", admin, body)
        assert (status, problem["field"]) == (422, field)


async def test_a_key_is_changed_and_null_removes_a_restriction() -> None:
    async with keyed() as server:
        admin = await server.bearer("root", role="admin")
        issued = await server.key(tokens_per_day=5, max_effort="low", models=("a",))
        path = f"/keys/{issued.key.key_id}"
        change = {"tokens_per_day": None, "models": None, "name": "phone", "concurrent_runs": 1}
        status, changed, _ = await server.ask("PATCH", path, admin, change)
        assert status == 200
        assert "key" not in changed
        assert (changed["tokens_per_day"], changed["models"]) == (None, [])
        assert (changed["name"], changed["max_effort"]) == ("phone", "low")
        assert (await server.ask("PATCH", path, admin, {"name": None}))[0] == 200
        assert (await server.ask("PATCH", path, admin, {"name": ""}))[1]["field"] == "name"


async def test_a_rotated_key_is_shown_once_and_the_old_one_ends_with_its_grace() -> None:
    async with keyed() as server:
        admin = await server.bearer("root", role="admin")
        issued = await server.key()
        path = f"/keys/{issued.key.key_id}"
        for grace, status in (("24h", 200), ("0s", 401)):
            _, changed, _ = await server.ask("PATCH", path, admin, {"rotate": True, "grace": grace})
            assert (await server.ask("GET", "/me", {"x-api-key": changed["key"]}))[0] == 200
            assert (await server.ask("GET", "/me", bearer(issued)))[0] == status
        wrong = {"rotate": True, "grace": "later"}
        assert (await server.ask("PATCH", path, admin, wrong))[1]["field"] == "grace"


async def test_a_revoked_key_is_refused_at_once_and_stays_listed() -> None:
    async with keyed() as server:
        admin = await server.bearer("root", role="admin")
        issued = await server.key()
        path = f"/keys/{issued.key.key_id}"
        assert (await server.ask("DELETE", path, admin))[0] == 204
        assert (await server.ask("DELETE", path, admin))[0] == 204
        assert (await server.ask("GET", "/me", bearer(issued)))[0] == 401
        _, listed, _ = await server.ask("GET", "/keys", admin)
        assert [each["status"] for each in listed["keys"]] == ["live", "revoked"]
        assert (await server.ask("PATCH", path, admin, {"expires": None}))[0] == 422
        assert (await server.ask("DELETE", "/keys/unknown", admin))[0] == 404


async def test_the_last_admin_key_is_not_revoked_over_the_api() -> None:
    async with keyed() as server:
        issued = await server.key("root", role="admin")
        path = f"/keys/{issued.key.key_id}"
        status, problem, _ = await server.ask("DELETE", path, bearer(issued))
        assert (status, problem["code"]) == (409, "conflict")
        assert "thinkaloud keys revoke" in problem["detail"]
        await server.key("other", role="admin")
        assert (await server.ask("DELETE", path, bearer(issued)))[0] == 204


async def test_the_audit_log_is_read_in_pages() -> None:
    async with keyed() as server:
        issued = await server.key("root", role="admin", scopes=tuple(sorted(ALL_SCOPES)))
        admin = {**bearer(issued), "X-Request-ID": "req-of-mine"}
        for name in ("one", "two"):
            await server.ask("POST", "/keys", admin, {"name": name})
        _, first, _ = await server.ask("GET", "/audit?limit=2", admin)
        _, rest, _ = await server.ask("GET", f"/audit?before={first['next_before']}", admin)
        details = [each["detail"] for each in (*first["entries"], *rest["entries"])]
        assert [each.partition(":")[0] for each in details] == ["two", "one", "root"]
        assert rest["next_before"] is None
        entry = first["entries"][0]
        assert (entry["act"], entry["by"]) == ("key.created", "root")
        assert (entry["address"], entry["request_id"]) == ("127.0.0.1", "req-of-mine")
        for wrong in ("before=0", "before=x", "limit=0", "limit=201"):
            assert (await server.ask("GET", f"/audit?{wrong}", admin))[0] == 422


async def test_requests_that_are_not_permitted_are_in_the_audit_log() -> None:
    clock = SetClock()
    async with keyed(clock=clock) as server:
        user = await server.key("bob", scopes=("metrics",))
        foreign = {"Origin": "https://evil.example"}
        assert (await server.ask("GET", "/keys", bearer(user)))[0] == 403
        assert (await server.ask("POST", "/session", foreign, {"key": "x"}))[0] == 403
        with pytest.raises(InvalidStatus):
            async with connect(server.socket_url + "/ws", additional_headers=bearer(user)):
                raise AssertionError("The socket was accepted.")
        clock.pass_seconds(60)
        await server.access.tick()
        found = [each for each in await server.access.store.audit(limit=9) if each.act == "refused"]
    assert {(each.by, each.key_id, each.address, each.detail[0]) for each in found} == {
        ("bob", user.key.key_id, "127.0.0.1", "2"),
        ("", None, "127.0.0.1", "1"),
    }


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("/api/v1/chat/stream", {"text": "Hi"}),
        ("/api/v1/chat/stream", {"type": "stop"}),
        ("/ws", {"type": "new_chat"}),
        ("/ws", {"type": "message", "chat_id": "c", "content": "Hi"}),
    ],
)
async def test_a_frame_that_is_not_permitted_is_in_the_audit_log(
    path: str, frame: dict[str, str]
) -> None:
    clock = SetClock()
    async with keyed(clock=clock) as server:
        user = await server.key("bob", scopes=("read",))
        url = server.socket_url + path
        async with connect(url, additional_headers=bearer(user)) as socket:
            await socket.send(json.dumps(frame))
            while '"forbidden"' not in str(await socket.recv()):
                pass
        clock.pass_seconds(60)
        await server.access.tick()
        (found,) = [
            each for each in await server.access.store.audit(limit=9) if each.act == "refused"
        ]
    assert (found.by, found.key_id, found.address) == ("bob", user.key.key_id, "127.0.0.1")
    assert found.detail.startswith("1 ")


async def test_no_key_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with keyed() as server:
        issued = await server.key("root", role="admin")
        await server.log_in(issued)
        await server.ask("GET", "/me", bearer(issued))
        await server.ask("GET", "/me", {"x-api-key": issued.value.text()[:-1]})
        await server.ask("POST", "/session", body={"key": issued.value.text()[:-1]})
    assert issued.value.secret[:-1] not in caplog.text
