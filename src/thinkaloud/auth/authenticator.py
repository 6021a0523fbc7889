"""The one function that decides for all carriers of credentials who sent a request."""

from typing import Final

import msgspec

from thinkaloud.auth.carriers.credentials import Credentials, credentials_of
from thinkaloud.auth.carriers.local_key import LocalKey
from thinkaloud.auth.carriers.proxy import TrustedProxies
from thinkaloud.auth.carriers.tickets import Tickets
from thinkaloud.auth.keyring import Keyring, Verified
from thinkaloud.auth.policies import Policies
from thinkaloud.auth.secret_values import parse_key, session_digest
from thinkaloud.auth.throttle import Throttle
from thinkaloud.errors import BadRequest, Forbidden, RateLimited, Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Principal

_READING: Final = frozenset({"GET", "HEAD"})
_MISSING: Final = (
    "This needs an API key: send it as `Authorization: Bearer ta_…`."
    " `thinkaloud keys create NAME` creates one."
)
_WRONG: Final = "The credential is not valid: it is wrong, has expired or was revoked."


class KeyAuthenticator:
    """Implements `Authenticator` for the modes `keys` and `proxy`."""

    def __init__(
        self,
        keyring: Keyring,
        tickets: Tickets,
        throttle: Throttle,
        proxies: TrustedProxies,
        policies: Policies,
        local_key: LocalKey | None = None,
    ) -> None:
        self._keyring = keyring
        self._tickets = tickets
        self._throttle = throttle
        self._proxies = proxies
        self._policies = policies
        self._local_key = local_key

    async def authenticate(self, request: IncomingRequest) -> Principal:
        """Return the principal of a request.

        Raises `Unauthorized` without a valid credential, `BadRequest` with different ones,
        `Forbidden` if a page of another origin may have sent it, and `RateLimited` after too many
        wrong ones.
        """
        presented = credentials_of(request)
        user = self._proxies.user_of(request)
        if user is not None:
            presented = _without_foreign_tokens(presented)
        if not presented:
            if user is None:
                raise Unauthorized(_MISSING)
            _check_origin(request)
            return self._policies.for_user(user)
        principal = await self._verify(presented, request)
        if user is not None and user.owner != principal.owner:
            raise BadRequest("The request has a user and a key of different owners.")
        if not presented.keys and not presented.tickets:
            _check_origin(request)
        return principal

    async def verify_key(self, text: str, address: str | None) -> Verified:
        """Verify a key that isn't in a header: the login's.

        Raises `Unauthorized`, or after too many wrong ones `RateLimited`.
        """
        value = parse_key(text)
        found = None if value is None else await self._keyring.find_key(value)
        if found is None:
            raise self._wrong(address)
        return found

    def address_of(self, request: IncomingRequest) -> str | None:
        """Return the client's address, as trusted proxies give it; None on a Unix socket."""
        return self._proxies.address_of(request)

    def renew(self, principal: Principal) -> Principal:
        """Return the principal with the current restrictions of its key.

        A socket does this for each run. Raises `Unauthorized` if the credential has ended.
        """
        if principal.credential is None:
            return principal
        found = self._keyring.find(principal.credential)
        if found is None:
            raise Unauthorized(_WRONG)
        return self._policies.for_key(found)

    async def _verify(self, presented: Credentials, request: IncomingRequest) -> Principal:
        """Verify everything that is presented. It must all be valid, and of one key."""
        found: list[Principal] = []
        is_wrong = False
        repeated = b""
        for text in presented.keys:
            value = parse_key(text)
            if value is not None and self._local_key is not None and self._local_key.matches(value):
                owner = self._local_key.owner_of(request)
                found.append(self._policies.for_owner(owner, "admin"))
                continue
            verified = None if value is None else await self._keyring.find_key(value)
            is_wrong |= not self._accept(verified, found)
        if presented.session is not None:
            digest = session_digest(presented.session)
            verified = await self._keyring.find_session(digest)
            if not self._accept(verified, found):
                repeated = b"" if is_wrong else digest
                is_wrong = True
        for ticket in presented.tickets:
            principal = self._redeem(ticket)
            is_wrong |= principal is None
            if principal is not None:
                found.append(principal)
        is_mixed = len(presented.keys) > 1 or len({_bearer(each) for each in found}) > 1
        if is_wrong:
            error = self._wrong(self.address_of(request), repeated)
            if (found or is_mixed) and isinstance(error, Unauthorized):
                raise _different()
            raise error
        if is_mixed:
            raise _different()
        return found[0]

    def _accept(self, verified: Verified | None, found: list[Principal]) -> bool:
        if verified is None:
            return False
        self._keyring.mark_used(verified)
        found.append(self._policies.for_key(verified))
        return True

    def _redeem(self, ticket: str) -> Principal | None:
        principal = self._tickets.redeem(ticket)
        try:
            return None if principal is None else self.renew(principal)
        except Unauthorized:
            return None

    def _wrong(self, address: str | None, repeated: bytes = b"") -> Unauthorized | RateLimited:
        wait = self._throttle.count(address, repeated)
        if wait is None:
            return Unauthorized(_WRONG)
        return RateLimited("There were too many wrong credentials.", retry_after=wait)


def _different() -> BadRequest:
    return BadRequest("The request has different credentials. Send one.")


def _bearer(principal: Principal) -> tuple[str | None, str]:
    return principal.key_id, principal.owner


def _without_foreign_tokens(presented: Credentials) -> Credentials:
    """Remove bearer tokens that aren't our keys: proxies pass on those of their own logins."""
    keys = frozenset(key for key in presented.keys if key.startswith("ta_"))
    return msgspec.structs.replace(presented, keys=keys)


def _check_origin(request: IncomingRequest) -> None:
    """Raise `Forbidden` if a page of another origin may have sent a request.

    Browsers attach cookies, and a proxy's login, to requests of every page. The guard has checked
    `Origin` if there is one; requests that change something must have it, or say `same-origin`.
    """
    is_socket = request.scheme in {"ws", "wss"}
    if request.method in _READING and not is_socket:
        return
    sites: list[bytes] = []
    for name, value in request.headers:
        if name == b"origin":
            return
        if name == b"sec-fetch-site":
            sites.append(value)
    if sites != [b"same-origin"]:
        raise Forbidden("Requests with a login of the browser need the header Origin.")
