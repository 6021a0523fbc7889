"""One authenticator checks the credentials of all carriers."""

import msgspec
import pytest

from tests.auth.people import ADMIN, SetClock, access, bearer, new_key, request
from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.carriers.local_key import LocalKey
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.errors import RateLimited, ThinkaloudError, Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Principal
from thinkaloud.stores.keys import MemoryKeyStore

CARRIERS = ["bearer", "BEARER", "x-api-key", "cookie", "secure cookie", "ticket"]
PAGE = (b"origin", b"http://127.0.0.1")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keys(clock: SetClock) -> Access:
    return access(clock)


async def carried(keys: Access, issued: Issued, carrier: str) -> IncomingRequest:
    """A request that brings this key, or what it was exchanged for."""
    value = issued.value.text()
    match carrier:
        case "bearer":
            return request((b"authorization", f"Bearer {value}".encode()))
        case "BEARER":
            return request((b"authorization", f"BEARER  {value}".encode()))
        case "x-api-key":
            return request((b"x-api-key", value.encode()))
        case "cookie" | "secure cookie":
            verified = await keys.authenticator.verify_key(value, None)
            session = await keys.logins.log_in(verified, ADMIN)
            name = "thinkaloud_session" if carrier == "cookie" else "__Host-thinkaloud_session"
            return request((b"cookie", f"theme=dark; {name}={session}; x=y".encode()))
        case _:
            principal = await keys.authenticator.authenticate(request(bearer(issued)))
            ticket = keys.tickets.issue(principal)
            protocols = f"thinkaloud, ticket.{ticket}".encode()
            return request((b"sec-websocket-protocol", protocols), scheme="ws")


async def outcome(keys: Access, sent: IncomingRequest) -> Principal | str:
    try:
        return await keys.authenticator.authenticate(sent)
    except ThinkaloudError as error:
        return error.code


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"role": "admin"},
        {"scopes": ("metrics",)},
        {"models": ("lab/*",), "max_effort": "low", "reasoning": "deny"},
        {"requests_per_minute": 1, "concurrent_runs": 2, "tokens_per_day": 3},
    ],
)
async def test_every_carrier_of_a_restricted_key_has_the_same_restrictions(
    keys: Access, carrier: str, fields: dict[str, object]
) -> None:
    issued = await new_key(keys, "phone", owner="ada", **fields)
    found = await outcome(keys, await carried(keys, issued, carrier))
    assert isinstance(found, Principal)
    key = issued.key
    assert (found.owner, found.role, found.scopes) == ("ada", key.role, key.scopes)
    assert (found.models, found.max_effort) == (key.models, key.max_effort)
    assert (found.reasoning, found.key_id) == (key.reasoning, key.key_id)
    assert found.limits == ((f"key:{key.key_id}", key.limits),)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("end", ["revoked", "expired", "rotated"])
async def test_every_carrier_of_a_key_that_ended_is_refused(
    keys: Access, clock: SetClock, carrier: str, end: str
) -> None:
    issued = await new_key(keys, expires="20s")
    sent = await carried(keys, issued, carrier)
    match end:
        case "revoked":
            await keys.administration.revoke(issued.key.key_id, ADMIN)
        case "expired":
            clock.pass_seconds(20)
        case _:
            await keys.administration.rotate(issued.key.key_id, 0, ADMIN)
    assert await outcome(keys, sent) == "unauthorized"


async def test_a_request_without_a_credential_learns_which_one_it_needs(keys: Access) -> None:
    with pytest.raises(Unauthorized, match="API key"):
        await keys.authenticator.authenticate(request())


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Basic YWRhOnNlY3JldA=="),
        (b"x-user", b"ada"),
        (b"x-forwarded-user", b"ada"),
        (b"cookie", b"session=ta_abc"),
        (b"sec-websocket-protocol", b"ticket.abc"),
    ],
)
async def test_other_headers_are_not_credentials(keys: Access, header: tuple[bytes, bytes]) -> None:
    with pytest.raises(Unauthorized, match="needs an API key"):
        await keys.authenticator.authenticate(request(header))


@pytest.mark.parametrize(
    "value", [b"", b"ta_", b"ta_abc_def", b"sk-proj-123", b"\xff\xfe", b"ta_a_" + b"x" * 500]
)
@pytest.mark.parametrize("carrier", [b"authorization", b"x-api-key"])
async def test_a_malformed_key_is_rejected_like_a_wrong_one(
    keys: Access, value: bytes, carrier: bytes
) -> None:
    given = b"Bearer " + value if carrier == b"authorization" else value
    assert await outcome(keys, request((carrier, given))) == "unauthorized"


async def test_keys_that_share_all_but_the_last_character_are_different_keys(keys: Access) -> None:
    issued = await new_key(keys)
    value = issued.value.text()
    other = value[:-1] + ("a" if value[-1] != "a" else "b")
    assert isinstance(await outcome(keys, request((b"x-api-key", value.encode()))), Principal)
    assert await outcome(keys, request((b"x-api-key", other.encode()))) == "unauthorized"
    assert await outcome(keys, request((b"x-api-key", value[:-1].encode()))) == "unauthorized"


async def test_two_different_credentials_in_a_request_are_refused(keys: Access) -> None:
    one, two = await new_key(keys, "one"), await new_key(keys, "two")
    two_key = (b"x-api-key", two.value.text().encode())
    cookie = (await carried(keys, two, "cookie")).headers[0]
    ticket = (await carried(keys, two, "ticket")).headers[0]
    for other in (two_key, bearer(two), cookie):
        assert await outcome(keys, request(bearer(one), other)) == "bad_request"
        assert await outcome(keys, request(other, bearer(one))) == "bad_request"
    assert await outcome(keys, request(bearer(one), ticket, scheme="ws")) == "bad_request"


@pytest.mark.parametrize("wrong", [b"x-api-key", b"cookie"])
async def test_a_wrong_credential_beside_a_right_one_is_refused(keys: Access, wrong: bytes) -> None:
    other = (wrong, b"thinkaloud_session=" + b"x" * 43)
    assert await outcome(keys, request(bearer(await new_key(keys)), other)) == "bad_request"


async def test_the_same_key_in_several_carriers_is_one_credential(keys: Access) -> None:
    issued = await new_key(keys)
    cookie = (await carried(keys, issued, "cookie")).headers[0]
    ticket = (await carried(keys, issued, "ticket")).headers[0]
    key = (b"x-api-key", issued.value.text().encode())
    sent = request(bearer(issued), key, cookie, ticket, scheme="ws")
    assert isinstance(await outcome(keys, sent), Principal)


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_cookie_needs_an_origin_to_change_anything(keys: Access, scheme: str) -> None:
    cookie = (await carried(keys, await new_key(keys), "cookie")).headers[0]
    method = "POST" if scheme == "http" else "GET"

    async def sent(*headers: tuple[bytes, bytes]) -> Principal | str:
        return await outcome(keys, request(cookie, *headers, method=method, scheme=scheme))

    assert await sent() == "forbidden"
    for site in (b"none", b"cross-site", b"same-site"):
        assert await sent((b"sec-fetch-site", site)) == "forbidden"
    assert isinstance(await sent((b"sec-fetch-site", b"same-origin")), Principal)
    assert isinstance(await sent(PAGE), Principal)


async def test_a_cookie_needs_no_origin_to_read(keys: Access) -> None:
    cookie = (await carried(keys, await new_key(keys), "cookie")).headers[0]
    assert isinstance(await outcome(keys, request(cookie)), Principal)


async def test_a_key_needs_no_origin(keys: Access) -> None:
    issued = await new_key(keys)
    assert isinstance(await outcome(keys, request(bearer(issued), method="POST")), Principal)


async def test_a_ticket_is_for_one_use_within_30_seconds(keys: Access, clock: SetClock) -> None:
    issued = await new_key(keys)
    used, old, kept = [await carried(keys, issued, "ticket") for _ in range(3)]
    assert isinstance(await outcome(keys, used), Principal)
    assert await outcome(keys, used) == "unauthorized"
    clock.pass_seconds(29)
    assert isinstance(await outcome(keys, kept), Principal)
    clock.pass_seconds(1)
    assert await outcome(keys, old) == "unauthorized"


async def test_a_ticket_only_opens_sockets(keys: Access) -> None:
    ticket = (await carried(keys, await new_key(keys), "ticket")).headers[0]
    assert await outcome(keys, request(ticket)) == "unauthorized"
    assert isinstance(await outcome(keys, request(ticket, scheme="wss")), Principal)


async def test_tickets_are_bounded_per_credential(keys: Access) -> None:
    issued, other = await new_key(keys, "one"), await new_key(keys, "two")
    first, of_other = [await carried(keys, each, "ticket") for each in (issued, other)]
    second = await carried(keys, issued, "ticket")
    for _ in range(99):
        await carried(keys, issued, "ticket")
    assert await outcome(keys, first) == "unauthorized"
    assert isinstance(await outcome(keys, second), Principal)
    assert isinstance(await outcome(keys, of_other), Principal)


async def test_a_session_ends_after_30_days_or_7_without_use(keys: Access, clock: SetClock) -> None:
    issued = await new_key(keys)
    used, idle = [await carried(keys, issued, "cookie") for _ in range(2)]
    for _ in range(4):
        clock.pass_seconds(6.9 * 86_400)
        assert isinstance(await outcome(keys, used), Principal)
        await keys.tick()
    assert await outcome(keys, idle) == "unauthorized"
    clock.pass_seconds(2.4 * 86_400)
    assert await outcome(keys, used) == "unauthorized"


async def test_a_logout_ends_one_session_and_its_tickets(keys: Access) -> None:
    issued = await new_key(keys)
    one, other = [await carried(keys, issued, "cookie") for _ in range(2)]
    principal = await keys.authenticator.authenticate(one)
    ticket = f"ticket.{keys.tickets.issue(principal)}".encode()
    await keys.logins.log_out(principal, ADMIN)
    assert await outcome(keys, one) == "unauthorized"
    assert isinstance(await outcome(keys, other), Principal)
    socket = request((b"sec-websocket-protocol", ticket), scheme="ws")
    assert await outcome(keys, socket) == "unauthorized"


async def test_wrong_credentials_are_throttled_and_right_ones_never(
    keys: Access, clock: SetClock
) -> None:
    issued = await new_key(keys)
    wrong = request((b"x-api-key", b"ta_abc_" + b"x" * 43))
    assert [await outcome(keys, wrong) for _ in range(25)] == ["unauthorized"] * 20 + [
        "rate_limited"
    ] * 5
    with pytest.raises(RateLimited) as refused:
        await keys.authenticator.verify_key("wrong", "192.0.2.1")
    assert 0 < refused.value.retry_after <= 60
    assert isinstance(await outcome(keys, request(bearer(issued))), Principal)
    elsewhere = request((b"x-api-key", b"wrong"), address="192.0.2.2")
    assert await outcome(keys, elsewhere) == "unauthorized"
    clock.pass_seconds(60)
    assert await outcome(keys, wrong) == "unauthorized"


@pytest.mark.parametrize("carrier", ["x-api-key", "authorization", "cookie", "ticket"])
async def test_guessing_is_throttled_on_every_carrier(keys: Access, carrier: str) -> None:
    def guess(number: int) -> IncomingRequest:
        text = f"ta_abc_{number:043d}"
        match carrier:
            case "cookie":
                return request((b"cookie", f"thinkaloud_session={text}".encode()))
            case "ticket":
                return request((b"sec-websocket-protocol", f"ticket.{text}".encode()), scheme="ws")
            case "authorization":
                return request((b"authorization", f"Bearer {text}".encode()))
            case _:
                return request((b"x-api-key", text.encode()))

    codes = [await outcome(keys, guess(number)) for number in range(30)]
    assert codes == ["unauthorized"] * 20 + ["rate_limited"] * 10


async def test_the_cookie_of_an_ended_session_counts_once(keys: Access) -> None:
    stale = request((b"cookie", b"thinkaloud_session=" + b"x" * 43))
    assert {await outcome(keys, stale) for _ in range(50)} == {"unauthorized"}


async def test_a_key_of_another_process_works_at_once(clock: SetClock) -> None:
    server = access(clock)
    await server.keyring.announce()
    terminal = access(clock, store=server.store)
    issued = await new_key(terminal)
    assert isinstance(await outcome(server, request(bearer(issued))), Principal)


async def test_nothing_shows_a_key(keys: Access) -> None:
    issued = await new_key(keys)
    sent = await carried(keys, issued, "bearer")
    shown = repr((issued, sent, await keys.authenticator.authenticate(sent)))
    with pytest.raises(Unauthorized) as refused:
        await keys.authenticator.authenticate(request((b"x-api-key", b"ta_abc_mysecret")))
    assert issued.value.secret not in shown
    assert "mysecret" not in repr(refused.value) + str(refused.value)


@pytest.mark.parametrize(
    ("names", "owner"),
    [
        ([], "local"),
        ([b"ada"], "ada"),
        ([b""], "invalid_request"),
        ([b"a\nb"], "invalid_request"),
        ([b"ada", b"bob"], "invalid_request"),
    ],
)
async def test_the_local_key_reads_the_conversations_of_the_owner_that_the_terminal_names(
    clock: SetClock, names: list[bytes], owner: str
) -> None:
    local = LocalKey.new("local")
    keys = Access(MemoryKeyStore(), clock, AuthSettings(mode="keys"), local_key=local)
    key = (b"authorization", f"Bearer {local.value.text()}".encode())
    found = await outcome(keys, request(key, *[(b"x-thinkaloud-owner", name) for name in names]))
    assert (found.owner if isinstance(found, Principal) else found) == owner


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_no_other_key_becomes_another_owner_by_a_header(keys: Access, carrier: str) -> None:
    issued = await new_key(keys, role="admin")
    sent = await carried(keys, issued, carrier)
    claims = [(b"x-thinkaloud-owner", b"bob"), (b"x-owner", b"bob"), (b"x-forwarded-user", b"bob")]
    claimed = msgspec.structs.replace(sent, headers=[*sent.headers, *claims])
    found = await outcome(keys, claimed)
    assert isinstance(found, Principal)
    assert found.owner == "ada"
