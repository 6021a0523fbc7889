"""The interface of another ecosystem's protocol. See CONTRIBUTING.md for how to add one."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from starlette.types import Scope

from thinkaloud.server.http.operation import JSON, Operation
from thinkaloud.server.http.problems import Problem


class ErrorResponse(msgspec.Struct, frozen=True):
    """An error as the clients of a protocol expect it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    content_type: str = JSON


class ClientProtocol(Protocol):
    """A protocol whose clients exist already."""

    @property
    def name(self) -> str:
        """A short name, for logs and metrics."""
        ...

    def owns(self, scope: Scope) -> bool:
        """Whether a request to this path, with these headers, comes from a client of this protocol.

        It then gets every error in the protocol's own form: also those of the guard, and for paths
        that don't exist.
        """
        ...

    def error(self, problem: Problem) -> ErrorResponse:
        """Return a problem as the error of this protocol."""
        ...

    def operations(self) -> Sequence[Operation]:
        """Return the protocol's operations. They raise the same errors as our own."""
        ...
