"""Ends a response with a single failure, with the provider's message and the usage so far."""

from collections.abc import Callable

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, Usage
from thinkaloud.providers.dialects import framing
from thinkaloud.providers.dialects.faults import reported
from thinkaloud.providers.dialects.toolcalls import TooManyCalls


class EventReader:
    """Base class of readers that read a message event by event.

    `done` is True after the last model event; later events are ignored.
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
        self.fail(ProviderError("provider_stream_cut", f"The stream was interrupted: {why}."), out)

    def ended_early(self, stray: bytes, out: list[ModelEvent]) -> None:
        """End a stream that had no end marker. `stray` is its data outside of events."""
        if stray.strip():
            self._end_in(framing.ended_early(stray, self._count(self._usage)), out)
        else:
            self.cut("it ended without a final event", out)

    def report(self, data: bytes, name: bytes, out: list[ModelEvent]) -> bool:
        """End with the error if the event reports one in another shape. Returns whether it did."""
        failure = reported(data, name, self._count(self._usage))
        if failure is not None:
            self._end_in(failure, out)
        return failure is not None

    def fail_or_report(self, error: ProviderError, data: bytes, out: list[ModelEvent]) -> None:
        """End with an error; if its type is unknown to this dialect, try to parse its fields."""
        if error.code != "provider_stream_cut" or not self.report(data, b"", out):
            self.fail(error, out)

    def unreadable(
        self, data: bytes, name: bytes, reason: Exception, out: list[ModelEvent]
    ) -> None:
        """End with an unreadable event: an error in another format, or garbage."""
        if not self.report(data, name, out):
            message = framing.unreadable(data, reason)
            self._end_in(framing.stream_cut(message, self._count(self._usage)), out)

    def too_many(self, reason: TooManyCalls, out: list[ModelEvent]) -> None:
        """End because of too many tool calls."""
        usage = self._count(self._usage)
        message = framing.too_many_calls(reason)
        self._end_in(ModelFailed("provider_stream_cut", message, usage=usage), out)

    def _end_in(self, failure: ModelFailed, out: list[ModelEvent]) -> None:
        if not self.done:
            self.done = True
            out.append(failure)
