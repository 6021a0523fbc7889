"""How reasoning is redacted on this server. Pure."""

import msgspec

from thinkaloud.core.redaction.events import RunRedactor
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.core.redaction.view import redacted_run
from thinkaloud.events.view import RunView


class Redaction(msgspec.Struct, frozen=True):
    """The rules, and what they apply to. Shared by all runs and readers."""

    redactor: Redactor
    answers: bool = False
    """Whether secrets in answers are redacted too."""

    def of_run(self, *, whole: bool = False) -> RunRedactor:
        """Return a redactor for the events of a run; see `RunRedactor` for `whole`."""
        return RunRedactor(self.redactor, answers=self.answers, whole=whole)

    def run(self, run: RunView) -> RunView:
        """Redact the view of a run."""
        return redacted_run(run, self.redactor, answers=self.answers)
