"""Applies the reasoning policy of a run to its events, before they are logged.

The provider's own payload of a response repeats its reasoning. If the policy changed that, the
payload is not logged, but kept in memory: it goes back to the provider unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.events.event import (
    Event,
    ModelResponded,
    ReasoningDelta,
    ReasoningEnded,
    SegmentReclassified,
)
from thinkaloud.events.model import ProviderPayload
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.reasoning.payloads import UnloggedPayloads

KeepPayload = Callable[[int, ProviderPayload], None]
"""Keeps the payload of an iteration's response in memory."""


class RecordingFilter(Protocol):
    """Decides what is recorded of the events of a run."""

    def apply(self, events: Iterable[Event], /) -> Sequence[Event]:
        """Return what to append to the log now. The terminal event is always returned."""
        ...


class RunReasoning(msgspec.Struct, frozen=True):
    """The reasoning policy of a run, and what it needs."""

    policy: ReasoningPolicy
    redaction: Redaction
    payloads: UnloggedPayloads


def recording_filter(
    policy: ReasoningPolicy, redaction: Redaction, keep: KeepPayload
) -> RecordingFilter | None:
    """Return the filter for a run; None if everything is recorded as it is."""
    if policy == "allow":
        return None
    return HidingFilter(keep) if policy == "deny" else RedactingFilter(redaction, keep)


class RedactingFilter:
    """Records reasoning without secrets."""

    def __init__(self, redaction: Redaction, keep: KeepPayload) -> None:
        self._redactor = redaction.of_run()
        self._keep = keep
        self._redacted_before = 0

    def apply(self, events: Iterable[Event], /) -> Sequence[Event]:
        """Return the redacted events, without text that could still be a secret."""
        found = self._redactor.apply(events)
        if self._redactor.redacted > self._redacted_before:
            for index, event in enumerate(found):
                if isinstance(event, ModelResponded):
                    found[index] = _without_payload(event, self._keep)
                    self._redacted_before = self._redactor.redacted
        return found


class HidingFilter:
    """Records no reasoning, only that there was some."""

    def __init__(self, keep: KeepPayload) -> None:
        self._keep = keep
        self._hid_text = False
        """Whether the response had reasoning."""

    def apply(self, events: Iterable[Event], /) -> Sequence[Event]:
        """Return the events without reasoning."""
        return [shown for event in events if (shown := self._shown(event)) is not None]

    def _shown(self, event: Event) -> Event | None:
        match event:
            case ReasoningDelta() | ReasoningEnded() | SegmentReclassified(to="withdrawn"):
                self._hid_text = True
                return None
            case ModelResponded():
                hid_text, self._hid_text = self._hid_text, False
                if not hid_text and event.reasoning_status != "shown":
                    return event
                hidden = _without_payload(event, self._keep)
                return msgspec.structs.replace(hidden, reasoning_status="hidden_by_policy")
            case _:
                return event


def _without_payload(event: ModelResponded, keep: KeepPayload) -> ModelResponded:
    if event.native is not None:
        keep(event.iteration, event.native)
    return msgspec.structs.replace(event, native=None)
