"""A reverse proxy names the user, if it is trusted; all others' headers are ignored."""

import pytest

from tests.auth.people import SetClock, bearer, new_key, request
from thinkaloud.auth.access import Access
from thinkaloud.auth.settings import AuthSettings, RoleSettings
from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import ALL_SCOPES, Principal
from thinkaloud.stores.keys import MemoryKeyStore

PROXY = "10.0.0.7"
USER = (b"x-user", b"bob@example.org")
ADMIN_ROLE = (b"x-role", b"admin")


def behind(secret: str | None = None, **fields: object) -> Access:
    settings = AuthSettings(
        mode="proxy",
        trusted_proxies=("10.0.0.0/24", "fd00::/64"),
        user_header="X-User",
        role_header="X-Role",
        proxy_secret_env="PROXY_SECRET",
        **fields,  # type: ignore[arg-type]
    )
    return Access(MemoryKeyStore(), SetClock(), settings, proxy_secret=secret)


async def outcome(of: Access, sent: IncomingRequest) -> Principal | str:
    try:
        return await of.authenticator.authenticate(sent)
    except ThinkaloudError as error:
        return error.code


@pytest.mark.parametrize("address", [PROXY, "::ffff:10.0.0.7", "fd00::5"])
async def test_a_trusted_proxy_names_the_user_and_the_role(address: str) -> None:
    user = await outcome(behind(), request(USER, address=address))
    assert isinstance(user, Principal)
    assert (user.owner, user.role, user.scopes) == ("bob@example.org", "user", {"chat", "read"})
    admin = await outcome(behind(), request(USER, ADMIN_ROLE, address=address))
    assert isinstance(admin, Principal)
    assert (admin.role, admin.scopes, admin.key_id) == ("admin", ALL_SCOPES, None)


@pytest.mark.parametrize("address", ["10.0.1.7", "127.0.0.1", "::1", "fd00:0:0:1::5", None, "x"])
async def test_the_headers_of_other_peers_are_ignored(address: str | None) -> None:
    sent = request(USER, ADMIN_ROLE, (b"x-forwarded-for", b"10.0.0.7"), address=address)
    assert await outcome(behind(), sent) == "unauthorized"


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-user", b"")],
        [(b"x-user", b"   ")],
        [(b"x-user", b"a" * 129)],
        [(b"x-user", b"a\x00b")],
        [(b"x-user", b"b\xc3\xb6b")],
        [USER, USER],
        [USER, (b"x-user", b"ada")],
        [(b"x-user", b"ada, bob")],
        [(b"x-user", b"ada,bob")],
        [USER, (b"x-role", b"root")],
        [USER, (b"x-role", b"")],
        [USER, (b"x-role", b"Admin")],
        [USER, (b"x-role", b"user"), ADMIN_ROLE],
        [ADMIN_ROLE],
    ],
)
async def test_a_user_or_role_that_is_not_exactly_one_known_one_is_refused(
    headers: list[tuple[bytes, bytes]],
) -> None:
    assert await outcome(behind(), request(*headers, address=PROXY)) == "unauthorized"


@pytest.mark.parametrize(
    "given", [[], [b"wrong"], [b""], [b"right", b"right"], [b"right", b"wrong"]]
)
async def test_a_proxy_without_the_secret_is_not_trusted(given: list[bytes]) -> None:
    secrets = [(b"x-proxy-secret", each) for each in given]
    assert await outcome(behind("right"), request(USER, *secrets, address=PROXY)) == "unauthorized"
    right = request(USER, (b"x-proxy-secret", b"right"), address=PROXY)
    assert isinstance(await outcome(behind("right"), right), Principal)


async def test_keys_work_too_from_any_peer() -> None:
    of = behind()
    issued = await new_key(of, "phone", owner="ada")
    for address in (PROXY, "192.0.2.1"):
        found = await outcome(of, request(bearer(issued), address=address))
        assert isinstance(found, Principal)
        assert found.key_id == issued.key.key_id
    spoofed = request(bearer(issued), USER, ADMIN_ROLE, address="192.0.2.1")
    found = await outcome(of, spoofed)
    assert isinstance(found, Principal)
    assert (found.owner, found.role) == ("ada", "user")


async def test_a_user_with_a_key_of_another_owner_is_refused() -> None:
    of = behind()
    other = await new_key(of, "phone", owner="ada")
    own = await new_key(of, "laptop", owner="bob@example.org")
    assert await outcome(of, request(USER, bearer(other), address=PROXY)) == "bad_request"
    found = await outcome(of, request(USER, ADMIN_ROLE, bearer(own), address=PROXY))
    assert isinstance(found, Principal)
    assert found.role == "user"


async def test_the_proxys_own_bearer_token_is_ignored() -> None:
    token = (b"authorization", b"Bearer eyJhbGciOi.eyJzdWIiOi.c2ln")
    assert isinstance(await outcome(behind(), request(USER, token, address=PROXY)), Principal)
    assert await outcome(behind(), request(token, address=PROXY)) == "unauthorized"


async def test_a_users_change_needs_an_origin() -> None:
    sent = request(USER, method="POST", address=PROXY)
    assert await outcome(behind(), sent) == "forbidden"
    page = request(USER, (b"origin", b"https://agent.example"), method="POST", address=PROXY)
    assert isinstance(await outcome(behind(), page), Principal)


async def test_a_users_ticket_opens_a_socket_as_the_user() -> None:
    of = behind()
    user = await of.authenticator.authenticate(request(USER, address=PROXY))
    protocols = (b"sec-websocket-protocol", f"ticket.{of.tickets.issue(user)}".encode())
    assert await outcome(of, request(protocols, scheme="ws")) == user


async def test_a_role_has_a_policy_and_limits_for_each_owner() -> None:
    of = behind(roles={"user": RoleSettings(concurrent_runs=2, reasoning="redact")})
    found = await outcome(of, request(USER, address=PROXY))
    assert isinstance(found, Principal)
    assert found.reasoning == "redact"
    ((name, limits),) = found.limits
    assert name == "role:user:bob@example.org"
    assert limits.concurrent_runs == 2


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (b"192.0.2.9", "192.0.2.9"),
        (b"203.0.113.1, 192.0.2.9", "192.0.2.9"),
        (b"203.0.113.1, 192.0.2.9, 10.0.0.3", "192.0.2.9"),
        (b"evil, 192.0.2.9", "192.0.2.9"),
        (b"192.0.2.9, evil", PROXY),
        (b"", PROXY),
    ],
)
def test_the_clients_address_is_the_last_one_that_is_no_proxy(
    forwarded: bytes, address: str
) -> None:
    sent = request((b"x-forwarded-for", forwarded), address=PROXY)
    assert behind().authenticator.address_of(sent) == address
    direct = request((b"x-forwarded-for", forwarded), address="192.0.2.1")
    assert behind().authenticator.address_of(direct) == "192.0.2.1"


async def test_guesses_behind_a_proxy_are_counted_per_client() -> None:
    of = behind()

    async def guess(client: bytes) -> Principal | str:
        headers = ((b"x-api-key", b"wrong"), (b"x-forwarded-for", client))
        return await outcome(of, request(*headers, address=PROXY))

    assert {await guess(b"192.0.2.9") for _ in range(20)} == {"unauthorized"}
    assert await guess(b"192.0.2.9") == "rate_limited"
    assert await guess(b"198.51.100.1, 192.0.2.9") == "rate_limited"
    assert await guess(b"192.0.2.10") == "unauthorized"


async def test_nobody_becomes_admin_by_being_first() -> None:
    of = behind()
    found = await outcome(of, request(USER, address=PROXY))
    assert isinstance(found, Principal)
    assert found.role == "user"
    assert not [key for key in await of.administration.keys() if key.role == "admin"]
    assert (await new_key(of, "first")).key.role == "user"
