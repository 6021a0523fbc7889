"""What a row of the families' table says."""

import re
from typing import Final

import msgspec

from thinkaloud.events.prompt import EFFORT_LEVELS, EffortLevel
from thinkaloud.providers.hosts.host import DialectName, Host
from thinkaloud.providers.target import Family, Reasons, Shows


class On(msgspec.Struct, frozen=True):
    """How a family differs on one wire, or on some hosts that speak it. None: it does not."""

    dialect: DialectName | None = None
    """None: on any wire; then there are no quirks."""
    hosts: tuple[str, ...] = ()
    """Only on these; empty: on all."""
    templates: bool = False
    """Only on hosts that take `chat_template_kwargs`."""
    reasons: Reasons | None = None
    shows: Shows | None = None
    efforts: tuple[EffortLevel, ...] | None = None
    quirks: dict[str, object] = {}
    """Fields of the dialect's quirks. Each stands in place of the host's own, as a whole."""

    def holds(self, host: Host) -> bool:
        """Whether this is about a host, as it is spoken to now."""
        return (
            self.dialect in {None, host.dialect}
            and (not self.hosts or host.profile in self.hosts)
            and (not self.templates or host.templates)
        )


class Kind(msgspec.Struct, frozen=True):
    """A model family: its names, what it can do at its maker's, and where that differs."""

    pattern: str
    """A regular expression for the beginning of a plain name (`table.plain_name`)."""
    family: Family
    on: tuple[On, ...] = ()
    """The first that holds decides."""
    messages: dict[str, object] = {}
    """Quirks on Anthropic's wire where no rule of `on` holds."""

    def names(self, plain: str) -> bool:
        """Whether a plain name is one of this family."""
        return re.match(self.pattern, plain) is not None


_MESSAGES: Final[dict[str, object]] = {"thinking": "budget", "thinks_unasked": True}
"""How models of other makers think on Anthropic's wire."""


def _on_messages(kind: Kind, host: Host) -> On | None:
    """Return the rule for a model that reasons on Anthropic's wire and has none of its own.

    There a level is a budget, so that the common ones can be named beside the family's own.
    """
    if host.dialect != "anthropic-messages" or kind.family.reasons == "never":
        return None
    named: set[EffortLevel] = {"low", "medium", "high", *kind.family.efforts}
    if kind.family.reasons == "optional":
        named.add("none")
    efforts: tuple[EffortLevel, ...] = tuple(level for level in EFFORT_LEVELS if level in named)
    return On("anthropic-messages", efforts=efforts, quirks={**_MESSAGES, **kind.messages})


def on(kind: Kind, host: Host) -> Family:
    """Return a family as it is on a host."""
    rule = next((rule for rule in kind.on if rule.holds(host)), None) or _on_messages(kind, host)
    if rule is None:
        return kind.family
    base = kind.family
    return msgspec.structs.replace(
        base,
        reasons=rule.reasons or base.reasons,
        shows=rule.shows or base.shows,
        efforts=base.efforts if rule.efforts is None else rule.efforts,
        quirks=rule.quirks,
    )
