"""The open streams and sockets by credential, so that they end when it does."""

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from typing import Literal

from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import Authenticator
from thinkaloud.ports.principal import Principal

Reason = Literal["ended", "changed"]
"""Whether the credential has ended, or permits something else than when the stream was opened."""
End = Callable[[Reason], None]
"""Ends a stream. Only the first call counts."""


class OpenStreams:
    """Ends the streams and sockets of a credential that is revoked, expires or is restricted."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._open: dict[str, set[End]] = {}

    @contextmanager
    def opened(self, principal: Principal, end: End) -> Generator[None]:
        """Count a stream as open for the length of a block. `end` ends it from another task.

        Calls `end` at once if the credential has changed since the request was authenticated.
        """
        credential = principal.credential
        if credential is None:
            yield
            return
        ends = self._open.setdefault(credential, set())
        ends.add(end)
        try:
            self._end_if_over(principal, end)
            yield
        finally:
            ends.discard(end)
            if not ends and self._open.get(credential) is ends:
                del self._open[credential]

    def close(self, credentials: Collection[str], reason: Reason) -> None:
        """End all streams of these credentials (`Principal.credential`)."""
        for credential in credentials:
            for end in tuple(self._open.get(credential, ())):
                end(reason)

    def _end_if_over(self, principal: Principal, end: End) -> None:
        try:
            now = self._authenticator.renew(principal)
        except Unauthorized:
            end("ended")
        else:
            if _permissions(now) != _permissions(principal):
                end("changed")


def _permissions(principal: Principal) -> tuple[object, ...]:
    return (principal.owner, principal.role, principal.scopes, principal.reasoning)
