"""Creates principals: from a key or a user, and the limits and policies of owners and roles."""

from typing import get_args

from thinkaloud.auth.carriers.proxy import ProxyUser
from thinkaloud.auth.keyring import Verified
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.principal import (
    ALL_SCOPES,
    Principal,
    ReasoningPolicy,
    Role,
    Scope,
    UsageLimits,
    strictest,
)

USER_SCOPES: frozenset[Scope] = frozenset({"chat", "read"})


def default_scopes(role: Role) -> frozenset[Scope]:
    """Return the scopes of a role, if nothing else is said."""
    return ALL_SCOPES if role == "admin" else USER_SCOPES


def owner_accounts(owner: str) -> tuple[str, ...]:
    """Return the names of all sets of limits that an owner may have, as in `Principal.limits`."""
    return (f"owner:{owner}", *(_role_account(role, owner) for role in get_args(Role)))


class Policies:
    """Applies `[auth.owners]`, `[auth.roles]` and the server's reasoning policy."""

    def __init__(self, settings: AuthSettings, reasoning: ReasoningPolicy) -> None:
        self._settings = settings
        self._reasoning: ReasoningPolicy = reasoning

    def for_key(self, verified: Verified) -> Principal:
        """Return the principal of a request with this key, or a session of it."""
        key = verified.key
        return Principal(
            owner=key.owner,
            role=key.role,
            scopes=key.scopes,
            key_id=key.key_id,
            credential=verified.credential,
            reasoning=strictest(self._role_policy(key.role), key.reasoning),
            models=key.models,
            max_effort=key.max_effort,
            reasoning_field=key.reasoning_field,
            limits=((f"key:{key.key_id}", key.limits), *self._limits(key.owner, key.role)),
        )

    def for_user(self, user: ProxyUser) -> Principal:
        """Return the principal of a user that a proxy has authenticated."""
        return self.for_owner(user.owner, user.role)

    def for_owner(self, owner: str, role: Role) -> Principal:
        """Return the principal of an owner without a key."""
        return Principal(
            owner=owner,
            role=role,
            scopes=default_scopes(role),
            reasoning=self._role_policy(role),
            limits=self._limits(owner, role),
        )

    def _role_policy(self, role: Role) -> ReasoningPolicy:
        settings = self._settings.roles.get(role)
        return strictest(self._reasoning, settings.reasoning if settings else "allow")

    def _limits(self, owner: str, role: Role) -> tuple[tuple[str, UsageLimits], ...]:
        of_owner = self._settings.owners.get(owner)
        of_role = self._settings.roles.get(role)
        found: list[tuple[str, UsageLimits]] = []
        if of_owner is not None:
            found.append((f"owner:{owner}", of_owner))
        if of_role is not None:
            # The limits of a role apply to each owner, so owners don't share them.
            found.append((_role_account(role, owner), of_role))
        return tuple(found)


def _role_account(role: Role, owner: str) -> str:
    return f"role:{role}:{owner}"
