"""What a row of the families' table says."""

import re

import msgspec

from thinkaloud.events.prompt import EffortLevel
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

    def names(self, plain: str) -> bool:
        """Whether a plain name is one of this family."""
        return re.match(self.pattern, plain) is not None


def on(kind: Kind, host: Host) -> Family:
    """Return a family as it is on a host."""
    rule = next((rule for rule in kind.on if rule.holds(host)), None)
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
