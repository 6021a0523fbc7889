"""The open streams and sockets by credential, so that they end when it does."""

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager

from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import Authenticator
from thinkaloud.ports.principal import Principal

End = Callable[[], None]
"""Ends a stream. Called at most once."""


class OpenStreams:
    """Ends the streams and sockets of a credential that is revoked or expires."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._open: dict[str, set[End]] = {}

    @contextmanager
    def opened(self, principal: Principal, end: End) -> Generator[None]:
        """Count a stream as open for the length of a block. `end` ends it from another task.

        Calls `end` at once if the credential has ended since the request was authenticated.
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

    def close(self, credentials: Collection[str]) -> None:
        """End all streams of these credentials (`Principal.credential`)."""
        for credential in credentials:
            for end in tuple(self._open.get(credential, ())):
                end()

    def _end_if_over(self, principal: Principal, end: End) -> None:
        try:
            self._authenticator.renew(principal)
        except Unauthorized:
            end()
