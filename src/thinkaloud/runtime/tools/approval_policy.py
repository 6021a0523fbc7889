"""Which tool calls a person has to approve."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import ApprovalRequested, Remember
from thinkaloud.events.model import ToolCall
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.execution.approvals import RememberedApprovals
from thinkaloud.ports.tool import AnyTool, Approval, ToolScope
from thinkaloud.runtime.tools.listing import ToolListing

_STRICTNESS: Final[Mapping[Approval, int]] = {"never": 0, "ask": 1, "always_ask": 2}
_REMEMBER: Final[tuple[Remember, ...]] = ("run", "conversation", "always")
_MAX_TITLE: Final = 200


class ApprovalSettings(msgspec.Struct, frozen=True):
    """What the operator has set."""

    rules: Mapping[str, Approval] = {}
    """By glob pattern of the tool's name. An exact name takes precedence over patterns."""
    timeout_seconds: float = 86_400.0
    """After how long an approval or a question expires."""


class ApprovalPolicy:
    """Decides which calls need an approval."""

    def __init__(
        self, settings: ApprovalSettings, remembered: RememberedApprovals, clock: Clock
    ) -> None:
        self.timeout_seconds = settings.timeout_seconds
        self._rules = settings.rules
        self._remembered = remembered
        self._clock = clock

    def level(self, tool: AnyTool) -> Approval:
        """Return the strictest of what the tool and the operator demand."""
        own: Approval = getattr(tool, "approval", "never")
        return strictest(own, configured(self._rules, tool.schema.name))

    async def request(
        self,
        call: ToolCall,
        listing: ToolListing,
        scope: ToolScope,
        runs: Sequence[RunFold],
        iteration: int,
    ) -> ApprovalRequested | None:
        """Return the approval that a call needs; None if it may run.

        A call that can't run anyway needs none. `runs` are the earlier runs of the conversation,
        and this one.
        """
        tool = listing.by_name.get(call.name)
        if tool is None or not _is_object(call.arguments):
            return None
        level = self.level(tool)
        if level == "never":
            return None
        found = fingerprint(tool)
        if level == "ask" and await self._is_remembered(scope, call.name, found, runs):
            return None
        title = str(getattr(tool, "title", "") or call.name)
        server: str | None = getattr(tool, "server", None)
        return ApprovalRequested(
            approval_id=f"apr_{secrets.token_hex(12)}",
            tool_call_id=call.tool_call_id,
            action=call.name,
            title=title[:_MAX_TITLE],
            arguments=call.arguments or "{}",
            reason=f"{call.name} must be approved{' every time' if level == 'always_ask' else ''}.",
            editable=bool(getattr(tool, "editable", True)),
            allowed_remember=_REMEMBER if level == "ask" else (),
            iteration=iteration,
            expires_at_ms=self._clock.unix_ms() + int(self.timeout_seconds * 1000),
            server=server,
            fingerprint=found,
        )

    async def _is_remembered(
        self, scope: ToolScope, name: str, found: str, runs: Sequence[RunFold]
    ) -> bool:
        for run in runs:
            for asked, resolved in run.interactions.remembered:
                is_own = run.run_id == scope.run_id
                if (asked.action, asked.fingerprint) == (name, found) and (
                    is_own or resolved.remember == "conversation"
                ):
                    return True
        kept = await self._remembered.remembered(scope.owner)
        return any((each.action, each.fingerprint) == (name, found) for each in kept)


def configured(rules: Mapping[str, Approval], name: str) -> Approval:
    """Return what rules by glob pattern demand of a name: an exact rule beats patterns."""
    if name in rules:
        return rules[name]
    matching: list[Approval] = [level for rule, level in rules.items() if fnmatchcase(name, rule)]
    return strictest(*matching)


def strictest(*levels: Approval) -> Approval:
    """Return the strictest of several levels; `never` if there are none."""
    result: Approval = "never"
    for level in levels:
        if _STRICTNESS[level] > _STRICTNESS[result]:
            result = level
    return result


def fingerprint(tool: AnyTool) -> str:
    """Return what identifies the definition of a tool: it changes with its schema."""
    own: str | None = getattr(tool, "fingerprint", None)
    if own:
        return own
    schema = tool.schema
    title = str(getattr(tool, "title", ""))
    definition = [schema.name, title, schema.description, schema.parameters]
    return hashlib.sha256(msgspec.json.encode(definition, order="deterministic")).hexdigest()


def _is_object(arguments: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(arguments or "{}"), dict)
    except (msgspec.DecodeError, RecursionError):
        return False
