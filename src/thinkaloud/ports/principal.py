"""The principal: who a request acts for, and what it may do.

It is created once, where a request enters (the server's guard, the Python API, a channel), and
passed on. Nothing below changes it.
"""

from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from thinkaloud.errors import Forbidden
from thinkaloud.events.prompt import Effort

Role = Literal["user", "admin"]
Scope = Literal["chat", "read", "metrics", "admin"]
Requirement = Scope | Literal["any", "none"]
"""What a route requires: a scope, any principal, or not even a credential."""
ReasoningPolicy = Literal["allow", "redact", "deny"]
ReasoningField = Literal["reasoning_content", "reasoning"]
"""A field of OpenAI Chat Completions. Clients read one of them."""

ALL_SCOPES: Final[frozenset[Scope]] = frozenset({"chat", "read", "metrics", "admin"})

_STRICTNESS: Final[dict[ReasoningPolicy, int]] = {"allow": 0, "redact": 1, "deny": 2}


class UsageLimits(msgspec.Struct, frozen=True):
    """Limits on what may be started. A field that is None is unlimited."""

    requests_per_minute: int | None = None
    """Requests that start a run."""
    concurrent_runs: int | None = None
    """Runs that are active or queued at the same time."""
    tokens_per_day: int | None = None
    """Input and output tokens, per UTC day."""


class Principal(msgspec.Struct, frozen=True):
    """Who a request acts for, and what it may do."""

    owner: str
    """Whose conversations, runs and uploads it sees."""
    role: Role = "admin"
    scopes: frozenset[Scope] = ALL_SCOPES
    key_id: str | None = None
    """The API key that was used; None without one."""
    credential: str | None = None
    """The name of the key's secret, or of the session, that was used: its streams close when it
    ends. It is no secret. None without a key."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy: the strictest of the server's, the role's and the key's."""
    models: tuple[str, ...] = ()
    """Glob patterns of the models it may use; empty: all."""
    max_effort: Effort | None = None
    """The highest reasoning effort it may use; None: any."""
    reasoning_field: ReasoningField | None = None
    """The field of Chat Completions for reasoning; None: as the server is set up."""
    limits: tuple[tuple[str, UsageLimits], ...] = ()
    """Limits with the name of what each applies to (`key:ID`, `owner:NAME`, `role:NAME`). All
    of them apply."""

    def may_use(self, model: str) -> bool:
        """Return whether it may use a model, named by its id in `/models`."""
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)

    def check(self, *scopes: Scope) -> None:
        """Raise `Forbidden` unless it has one of these scopes."""
        if self.scopes.isdisjoint(scopes):
            needed = " or ".join(sorted(scopes))
            raise Forbidden(f"This needs a key with the scope {needed}.", field="scope")


def strictest(*policies: ReasoningPolicy) -> ReasoningPolicy:
    """Return the strictest of several reasoning policies; `allow` if there are none."""
    if not policies:
        return "allow"
    return max(policies, key=_STRICTNESS.__getitem__)
