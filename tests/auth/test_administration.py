"""Keys are created, changed, rotated and revoked, and the audit log records it."""

import asyncio
import logging

import pytest

from tests.auth.people import ADMIN, SetClock, access, bearer, new_key, request
from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.key_fields import KeyChange, KeyFields, checked_fields
from thinkaloud.auth.keyring import Ended
from thinkaloud.errors import Conflict, InvalidRequest, NotFound, Unauthorized
from thinkaloud.ports.principal import ALL_SCOPES, Principal


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keys(clock: SetClock) -> Access:
    return access(clock)


@pytest.fixture
def ended(keys: Access) -> list[Ended]:
    """What was reported as ended."""
    found: list[Ended] = []

    async def note(end: Ended) -> None:
        found.append(end)

    keys.keyring.on_end = note
    return found


async def audited(keys: Access) -> list[tuple[str, str, str | None, str]]:
    return [
        (each.act, each.by, each.key_id, each.detail)
        for each in reversed(await keys.store.audit(limit=100))
    ]


async def test_a_new_key_is_a_users_and_its_owner_has_its_name(keys: Access) -> None:
    issued = await new_key(keys, "My phone")
    key = issued.key
    assert (key.owner, key.role, key.scopes) == ("My phone", "user", {"chat", "read"})
    assert issued.value.text() == f"ta_{key.key_id}_{issued.value.secret}"
    assert issued.value.secret.encode() not in repr(await keys.store.keys()).encode()
    assert (await new_key(keys, "boss", role="admin")).key.scopes == ALL_SCOPES


async def test_no_two_keys_are_alike(keys: Access) -> None:
    issued = [await new_key(keys) for _ in range(50)]
    assert len({each.key.key_id for each in issued}) == 50
    assert len({each.value.secret for each in issued}) == 50


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"owner": "a\n"}, "owner"),
        ({"expires": "1d\n"}, "expires"),
        ({"name": "x" * 65}, "name"),
        ({"owner": "\x1b[31m"}, "owner"),
        ({"owner": ""}, "owner"),
        ({"name": "größe"}, "name"),
        ({"expires": "soon"}, "expires"),
        ({"expires": "-1d"}, "expires"),
        ({"expires": "999999w"}, "expires"),
        ({"scopes": ()}, "scopes"),
        ({"models": ("",)}, "models"),
        ({"models": ("a",) * 101}, "models"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        checked_fields(KeyFields(**{"name": "ada", **fields}))  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_the_scope_admin_has_no_effect_without_the_role(keys: Access) -> None:
    issued = await new_key(keys, scopes=("chat", "admin"))
    assert issued.key.scopes == {"chat"}
    change = KeyChange(scopes=("read", "admin"))
    assert (await keys.administration.edit(issued.key.key_id, change, ADMIN)).scopes == {"read"}


async def test_a_changed_key_has_the_new_restrictions_at_once(keys: Access) -> None:
    issued = await new_key(keys, requests_per_minute=5, models=("lab/*",))
    before = await keys.authenticator.authenticate(request(bearer(issued)))
    change = KeyChange(requests_per_minute=1, models=None, max_effort="low")
    await keys.administration.edit(issued.key.key_id, change, ADMIN)
    after = keys.authenticator.renew(before)
    assert after == await keys.authenticator.authenticate(request(bearer(issued)))
    assert (after.models, after.max_effort) == ((), "low")
    assert after.limits[0][1].requests_per_minute == 1


async def test_a_key_that_loses_the_admin_role_loses_its_scopes(keys: Access) -> None:
    await new_key(keys, "other", role="admin")
    issued = await new_key(keys, role="admin")
    key = await keys.administration.edit(issued.key.key_id, KeyChange(role="user"), ADMIN)
    assert key.scopes == {"chat", "read"}


async def test_a_rotated_key_works_in_its_old_form_until_the_grace_period_ends(
    keys: Access, clock: SetClock, ended: list[Ended]
) -> None:
    old = await new_key(keys)
    new = await keys.administration.rotate(old.key.key_id, 3_600_000, ADMIN)
    assert old.key.key_id == new.key.key_id
    both = [await keys.authenticator.authenticate(request(bearer(each))) for each in (old, new)]
    assert both[0].credential != both[1].credential
    clock.pass_seconds(3_600)
    await keys.tick()
    with pytest.raises(Unauthorized):
        await keys.authenticator.authenticate(request(bearer(old)))
    assert await keys.authenticator.authenticate(request(bearer(new))) == both[1]
    (end,) = ended
    assert end == Ended(frozenset(), frozenset({both[0].credential or ""}))


async def test_former_secrets_are_bounded_and_never_gain_time(
    keys: Access, clock: SetClock
) -> None:
    first = await new_key(keys)
    key_id = first.key.key_id
    await keys.administration.rotate(key_id, 10_000, ADMIN)
    for _ in range(3):
        await keys.administration.rotate(key_id, 86_400_000, ADMIN)
    with pytest.raises(Conflict):
        await keys.administration.rotate(key_id, 86_400_000, ADMIN)
    clock.pass_seconds(10)
    with pytest.raises(Unauthorized):
        await keys.authenticator.authenticate(request(bearer(first)))
    await keys.administration.rotate(key_id, 0, ADMIN)


async def test_the_end_of_a_key_is_reported_once(
    keys: Access, clock: SetClock, ended: list[Ended]
) -> None:
    revoked, expired = await new_key(keys), await new_key(keys, expires="60s")
    verified = await keys.authenticator.verify_key(revoked.value.text(), None)
    await keys.logins.log_in(verified, ADMIN)
    await keys.administration.revoke(revoked.key.key_id, ADMIN)
    await keys.tick()
    clock.pass_seconds(60)
    await keys.tick()
    await keys.tick()
    assert [each.key_ids for each in ended] == [{revoked.key.key_id}, {expired.key.key_id}]
    assert len(ended[0].credentials) == 2


async def test_a_key_revoked_by_another_process_is_reported(
    keys: Access, clock: SetClock, ended: list[Ended]
) -> None:
    issued = await new_key(keys)
    terminal = access(clock, store=keys.store)
    await terminal.administration.revoke(issued.key.key_id, TERMINAL)
    assert ended == []
    await keys.tick()
    assert ended[0].key_ids == {issued.key.key_id}


async def test_a_revoked_key_stays_revoked(keys: Access) -> None:
    key_id = (await new_key(keys)).key.key_id
    first = await keys.administration.revoke(key_id, ADMIN)
    assert await keys.administration.revoke(key_id, ADMIN) == first
    with pytest.raises(InvalidRequest):
        await keys.administration.edit(key_id, KeyChange(expires=None), ADMIN)
    with pytest.raises(InvalidRequest):
        await keys.administration.rotate(key_id, 0, ADMIN)


async def test_an_unknown_key_is_not_found(keys: Access) -> None:
    for attempt in (
        keys.administration.revoke("nobody", ADMIN),
        keys.administration.edit("nobody", KeyChange(), ADMIN),
        keys.administration.rotate("nobody", 0, ADMIN),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_the_last_admin_key_can_only_be_revoked_in_the_terminal(keys: Access) -> None:
    key_id = (await new_key(keys, role="admin")).key.key_id
    await new_key(keys, "user")
    await new_key(keys, "short", role="admin", expires="0s")
    with pytest.raises(Conflict, match="last admin key"):
        await keys.administration.revoke(key_id, ADMIN)
    for change in (
        KeyChange(role="user"),
        KeyChange(scopes=("chat",)),
        KeyChange(expires="0s"),
    ):
        with pytest.raises(Conflict, match="last admin key"):
            await keys.administration.edit(key_id, change, ADMIN)
    assert (await keys.administration.revoke(key_id, TERMINAL)).revoked_at_ms is not None


async def test_concurrent_changes_are_all_kept(keys: Access) -> None:
    key_id = (await new_key(keys)).key.key_id
    changes = [
        KeyChange(models=("a",)),
        KeyChange(max_effort="low"),
        KeyChange(reasoning="deny"),
    ]
    await asyncio.gather(*(keys.administration.edit(key_id, change, ADMIN) for change in changes))
    (key,) = await keys.administration.keys()
    assert (key.models, key.max_effort, key.reasoning) == (("a",), "low", "deny")


async def test_the_audit_log_says_who_did_what_and_no_key(keys: Access) -> None:
    issued = await new_key(keys)
    key_id = issued.key.key_id
    verified = await keys.authenticator.verify_key(issued.value.text(), None)
    session = await keys.logins.log_in(verified, ADMIN)
    await keys.administration.edit(key_id, KeyChange(name="phone"), TERMINAL)
    rotated = await keys.administration.rotate(key_id, 0, ADMIN)
    await keys.administration.revoke(key_id, ADMIN)
    await keys.administration.revoke(key_id, ADMIN)
    assert await audited(keys) == [
        ("key.created", "ada", key_id, "ada: user ada, chat, read"),
        ("login", "ada", key_id, ""),
        ("key.changed", "terminal", key_id, "name"),
        ("key.rotated", "ada", key_id, ""),
        ("key.revoked", "ada", key_id, ""),
    ]
    (first, *_) = reversed(await keys.store.audit(limit=100))
    assert (first.address, first.request_id) == ("192.0.2.1", "req_1")
    written = repr(await keys.store.audit(limit=100))
    for secret in (issued.value.secret, rotated.value.secret, session):
        assert secret not in written


async def test_wrong_keys_are_reported_once_a_minute_without_the_key(
    keys: Access, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for number in range(30):
        for address in ("192.0.2.1", "2001:db8::1", "2001:db8::2"):
            with pytest.raises(Exception, match="credential"):
                await keys.authenticator.verify_key(f"ta_abc_guess{number:040d}", address)
    await keys.tick()
    assert not caplog.records
    clock.pass_seconds(60)
    await keys.tick()
    await keys.tick()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        "90 wrong credentials from 2 addresses in the last minute, most of them (60) from"
        " 2001:db8::/64"
    )
    assert {(each.act, each.address, each.detail) for each in await keys.store.audit(limit=9)} == {
        ("refused", "192.0.2.1", "30 wrong credentials in a minute"),
        ("refused", "2001:db8::/64", "60 wrong credentials in a minute"),
    }


async def test_a_changed_reasoning_policy_of_a_key_is_in_the_audit_log(keys: Access) -> None:
    issued = await new_key(keys)
    for policy in ("redact", "redact", "allow"):
        await keys.administration.edit(issued.key.key_id, KeyChange(reasoning=policy), ADMIN)
    assert [detail for act, _, _, detail in await audited(keys) if act == "policy.changed"] == [
        "reasoning: allow to redact",
        "reasoning: redact to allow",
    ]


async def test_forbidden_requests_are_reported_once_a_minute_for_each_sender(
    keys: Access, clock: SetClock
) -> None:
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        keys.count_forbidden(Principal("ada", key_id="k1"), address)
    keys.count_forbidden(None, "192.0.2.3")
    await keys.tick()
    assert await keys.store.audit(limit=9) == []
    clock.pass_seconds(60)
    await keys.tick()
    await keys.tick()
    found = await keys.store.audit(limit=9)
    assert {(each.act, each.by, each.key_id, each.address, each.detail[0]) for each in found} == {
        ("refused", "ada", "k1", "192.0.2.1", "2"),
        ("refused", "ada", "k1", "192.0.2.2", "1"),
        ("refused", "", None, "192.0.2.3", "1"),
    }


async def test_the_last_use_of_a_key_is_saved_once_a_minute(keys: Access, clock: SetClock) -> None:
    issued = await new_key(keys)
    await keys.authenticator.authenticate(request(bearer(issued)))
    await keys.tick()
    assert (await keys.administration.keys())[0].last_used_ms is None
    used = clock.now_ms
    clock.pass_seconds(60)
    await keys.tick()
    assert (await keys.administration.keys())[0].last_used_ms == used


async def test_old_keys_sessions_and_entries_are_deleted(keys: Access, clock: SetClock) -> None:
    revoked, live = await new_key(keys, "old"), await new_key(keys, "new")
    for issued in (revoked, live):
        verified = await keys.authenticator.verify_key(issued.value.text(), None)
        await keys.logins.log_in(verified, ADMIN)
    await keys.administration.revoke(revoked.key.key_id, ADMIN)
    await keys.clean()
    assert [each.key_id for each in await keys.store.sessions()] == [live.key.key_id]
    assert len(await keys.administration.keys()) == 2
    clock.pass_seconds(91 * 86_400)
    await keys.tick()
    await keys.clean()
    assert [each.name for each in await keys.administration.keys()] == ["new"]
    assert await keys.store.sessions() == []
    assert await audited(keys) == []


async def test_sessions_of_a_key_are_bounded(keys: Access) -> None:
    issued = await new_key(keys)
    verified = await keys.authenticator.verify_key(issued.value.text(), None)
    values = [await keys.logins.log_in(verified, ADMIN) for _ in range(101)]
    assert len(await keys.store.sessions()) == 100
    with pytest.raises(Unauthorized):
        await keys.authenticator.authenticate(
            request((b"cookie", f"thinkaloud_session={values[0]}".encode()))
        )


async def test_an_id_is_never_reused(keys: Access) -> None:
    issued = await new_key(keys)
    with pytest.raises(Conflict, match="exists"):
        await keys.administration.create(KeyFields(name="two"), ADMIN, issued.value)
