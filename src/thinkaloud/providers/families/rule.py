"""A row of the table of model families."""

import re
from typing import Final

import msgspec

from thinkaloud.events.prompt import EFFORT_LEVELS, EffortLevel
from thinkaloud.providers.hosts.host import Host
from thinkaloud.providers.target import Family, Reasons, Shows


class HostOverride(msgspec.Struct, frozen=True):
    """How a family differs in one dialect, or on some hosts that use it. None: no difference."""

    dialect: str | None = None
    """None: any dialect; then there must be no quirks."""
    hosts: tuple[str, ...] = ()
    """Only on these hosts; empty: on all."""
    templates: bool = False
    """Only on hosts that take `chat_template_kwargs`."""
    reasons: Reasons | None = None
    shows: Shows | None = None
    efforts: tuple[EffortLevel, ...] | None = None
    quirks: dict[str, object] = {}
    """Fields of the dialect's quirks. Each field replaces the host's as a whole."""

    def applies_to(self, host: Host) -> bool:
        """Whether this applies to a host and the dialect it is used with."""
        return (
            self.dialect in {None, host.dialect}
            and (not self.hosts or host.profile in self.hosts)
            and (not self.templates or host.templates)
        )


class FamilyRule(msgspec.Struct, frozen=True):
    """A model family: its names, its capabilities, and where they differ."""

    pattern: str
    """A regular expression for the start of a plain name (`table.plain_name`)."""
    family: Family
    """What its models can do on their maker's own host."""
    overrides: tuple[HostOverride, ...] = ()
    """The first one that applies is used."""
    messages: dict[str, object] = {}
    """Quirks for `anthropic-messages` if no override applies."""

    def matches(self, plain: str) -> bool:
        """Whether a plain name belongs to this family."""
        return re.match(self.pattern, plain) is not None

    def on(self, host: Host) -> Family:
        """Return the family with the differences for this host applied."""
        override = next((each for each in self.overrides if each.applies_to(host)), None)
        override = override or _on_messages(self, host)
        base = self.family
        if override is None:
            return base
        return msgspec.structs.replace(
            base,
            reasons=override.reasons or base.reasons,
            shows=override.shows or base.shows,
            efforts=base.efforts if override.efforts is None else override.efforts,
            quirks=override.quirks,
        )


_MESSAGES: Final[dict[str, object]] = {"thinking": "budget", "thinks_unasked": True}
"""How other makers' models are configured to reason in Anthropic's format."""


def _on_messages(rule: FamilyRule, host: Host) -> HostOverride | None:
    """Return the default override for a reasoning model in Anthropic's format.

    In this format a level is sent as a budget, so the common levels work in addition to the
    family's own.
    """
    if host.dialect != "anthropic-messages" or rule.family.reasons == "never":
        return None
    named: set[EffortLevel] = {"low", "medium", "high", *rule.family.efforts}
    if rule.family.reasons == "optional":
        named.add("none")
    efforts: tuple[EffortLevel, ...] = tuple(level for level in EFFORT_LEVELS if level in named)
    return HostOverride(
        "anthropic-messages", efforts=efforts, quirks={**_MESSAGES, **rule.messages}
    )
