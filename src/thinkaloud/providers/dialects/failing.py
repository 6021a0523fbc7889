"""How one response fails: once, in the provider's words, with what was counted by then."""

from collections.abc import Callable

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, Usage
from thinkaloud.providers.dialects import framing
from thinkaloud.providers.dialects.faults import reported
from thinkaloud.providers.dialects.toolcalls import TooManyCalls


class Failing:
    """The base of a reader that reads a message event by event.

    `done` is True after the last model event; nothing is read from then on.
    """

    def __init__(
        self,
        count: Callable[[dict[str, object]], Usage | None],
        failed: Callable[[ProviderError, Usage | None], ModelFailed],
    ) -> None:
        self.done = False
        self._usage: dict[str, object] = {}
        self._count = count
        self._failed = failed

    def fail(self, error: ProviderError, out: list[ModelEvent]) -> None:
        """End with a failure."""
        self._end_in(self._failed(error, self._count(self._usage)), out)

    def cut(self, why: str, out: list[ModelEvent]) -> None:
        """End with a broken stream."""
        self.fail(ProviderError("provider_stream_cut", f"The stream broke off: {why}."), out)

    def broke_off(self, stray: bytes, out: list[ModelEvent]) -> None:
        """End a stream without an end mark; `stray`: what it held beside events."""
        if stray.strip():
            self._end_in(framing.broke_off(stray, self._count(self._usage)), out)
        else:
            self.cut("it ended without an end mark", out)

    def report(self, data: bytes, name: bytes, out: list[ModelEvent]) -> bool:
        """End with the error that an event reports in a shape of its own, if it does."""
        failure = reported(data, name, self._count(self._usage))
        if failure is not None:
            self._end_in(failure, out)
        return failure is not None

    def fail_or_report(self, error: ProviderError, data: bytes, out: list[ModelEvent]) -> None:
        """End with an error; where it is of no kind of this wire, its members may tell more."""
        if error.code != "provider_stream_cut" or not self.report(data, b"", out):
            self.fail(error, out)

    def unreadable(
        self, data: bytes, name: bytes, reason: Exception, out: list[ModelEvent]
    ) -> None:
        """End with an event that is not the wire's: an error of another one, or garbage."""
        if not self.report(data, name, out):
            message = framing.unreadable(data, reason)
            self._end_in(framing.cut_off(message, self._count(self._usage)), out)

    def too_many(self, reason: TooManyCalls, out: list[ModelEvent]) -> None:
        """End with more tool calls than are taken."""
        usage = self._count(self._usage)
        message = framing.too_much(reason)
        self._end_in(ModelFailed("provider_stream_cut", message, usage=usage), out)

    def _end_in(self, failure: ModelFailed, out: list[ModelEvent]) -> None:
        if not self.done:
            self.done = True
            out.append(failure)
