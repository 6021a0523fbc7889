"""Keys, requests and a clock for the tests of authentication."""

from collections.abc import Sequence

from thinkaloud.auth.access import Access
from thinkaloud.auth.administration import Issued
from thinkaloud.auth.audit import Actor
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.keys import KeyStore
from thinkaloud.stores.keys import MemoryKeyStore

ADMIN = Actor("ada", "192.0.2.1", "req_1")
Headers = Sequence[tuple[bytes, bytes]]


class SetClock:
    """A clock that only a test advances."""

    def __init__(self) -> None:
        self.now_ms = 1_790_000_000_000

    def steady_ms(self) -> int:
        return self.now_ms

    def unix_ms(self) -> int:
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError("nothing here sleeps")

    def pass_seconds(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


def access(
    clock: SetClock, settings: AuthSettings | None = None, store: KeyStore | None = None
) -> Access:
    return Access(store or MemoryKeyStore(), clock, settings or AuthSettings(mode="keys"))


async def new_key(of: Access, name: str = "ada", **fields: object) -> Issued:
    return await of.administration.create(KeyFields(name=name, **fields), ADMIN)  # type: ignore[arg-type]


def bearer(issued: Issued) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {issued.value.text()}".encode()


def request(
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    scheme: str = "http",
    address: str | None = "192.0.2.1",
) -> IncomingRequest:
    return IncomingRequest(headers, method, "/api/v1/models", scheme, address)
