"""Decodes interactions, streamed or whole.

Source: https://ai.google.dev/api/interactions-api
"""

import msgspec

from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFinished,
    Origin,
    ProviderPayload,
    ReasoningStatus,
    ReasoningText,
    ServerToolActivity,
    Usage,
)
from thinkaloud.providers.dialects.faults import names_error
from thinkaloud.providers.dialects.google_generate.errors import in_stream, is_known
from thinkaloud.providers.dialects.google_interactions.steps import (
    CallQueue,
    Fields,
    Step,
    StepStart,
    TextItem,
)
from thinkaloud.providers.dialects.http_errors import Refusal
from thinkaloud.providers.dialects.outcomes import MALFORMED, malformed
from thinkaloud.providers.dialects.raw_json import ABSENT, array_of, has_value, text_or_compact
from thinkaloud.providers.dialects.toolcalls import tool_name

_TRUNCATED = frozenset({"incomplete", "budget_exceeded"})
_KINDS = {
    "text": "model_output",
    "thought_summary": "thought",
    "thought_signature": "thought",
    "arguments_delta": "function_call",
}


class _Interaction(msgspec.Struct):
    status: str | None = None
    usage: msgspec.Raw = ABSENT
    error: Refusal | None = None


class _Event(msgspec.Struct):
    event_type: str | None = None
    index: int = 0
    step: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    delta: msgspec.Raw = ABSENT
    interaction: _Interaction | None = None
    error: Refusal | None = None
    # A response that was not streamed is the interaction itself.
    status: str | None = None
    steps: list[msgspec.Raw] | None = None
    outputs: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = ABSENT


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    content: TextItem | None = None
    signature: str | None = None
    arguments: msgspec.Raw = ABSENT
    id: str | None = None
    name: str | None = None


class _Counts(msgspec.Struct):
    total_input_tokens: int | None = None
    total_output_tokens: int | None = None
    total_thought_tokens: int | None = None
    total_tool_use_tokens: int | None = None
    total_cached_tokens: int | None = None


_event = msgspec.json.Decoder(_Event)
_start = msgspec.json.Decoder(StepStart)
_delta = msgspec.json.Decoder(_Delta)
_fields = msgspec.json.Decoder(Fields)
_raw_items = msgspec.json.Decoder(list[msgspec.Raw] | None)
_counts = msgspec.json.Decoder(_Counts | None)
_figures = msgspec.json.Decoder(dict[str, object])


class InteractionReader:
    """Reads the events of one response; see `thinkaloud.providers.dialects.framing.Reader`."""

    __slots__ = (
        "_calls",
        "_counted",
        "_hidden",
        "_order",
        "_origin",
        "_shown",
        "_steps",
        "_thoughts",
    )

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._steps: dict[int, Step] = {}
        self._order: list[Step] = []
        self._calls = CallQueue()
        self._counted: bytes | None = None
        self._thoughts = -1
        self._shown = False
        self._hidden = False

    @property
    def usage(self) -> Usage | None:
        """The final usage. Output includes the thoughts, which Google counts separately."""
        if self._counted is None:
            return None
        counts = _counts.decode(self._counted)
        if counts is None:
            return None
        thoughts = counts.total_thought_tokens
        return Usage(
            input_tokens=(counts.total_input_tokens or 0) + (counts.total_tool_use_tokens or 0),
            output_tokens=(counts.total_output_tokens or 0) + (thoughts or 0),
            reasoning_tokens=thoughts,
            cache_read_tokens=counts.total_cached_tokens,
            raw=_figures.decode(self._counted),
        )

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one event, or the whole interaction of a response that was not streamed."""
        event = _event.decode(payload)
        kind = event.event_type
        if kind is None and name and event.status is None:
            kind = name.decode(errors="replace")
        match kind:
            case "step.delta" | "content.delta":
                if has_value(event.delta):
                    self._change(event.index, event.delta, out)
            case "step.start" | "content.start":
                started = event.step if has_value(event.step) else event.content
                if has_value(started):
                    self._begin(event.index, started, out)
            case "step.stop" | "content.stop":
                self._stop(event.index, out)
            case "interaction.completed" | "interaction.complete" | "interaction.failed":
                return self._complete(event.interaction or _Interaction(), out)
            case None:
                return self._whole_interaction(event, out)
            case _:
                return self._rare_event(kind, event, name, out)
        return False

    def _rare_event(self, kind: str, event: _Event, name: bytes, out: list[ModelEvent]) -> bool:
        if kind == "error" and event.error is not None and is_known(event.error):
            out.append(in_stream(event.error, self.usage))
            return True
        if event.error is not None or names_error(kind) or names_error(name):
            raise msgspec.ValidationError("the event reports an error")
        return False

    def flush(self, out: list[ModelEvent]) -> None:
        """Do nothing, as no text is buffered."""

    def finish(self, out: list[ModelEvent]) -> bool:
        """Return False: `read` ends the response at the end marker."""
        return False

    def _whole_interaction(self, event: _Event, out: list[ModelEvent]) -> bool:
        if event.error is not None:
            if not is_known(event.error):
                raise msgspec.ValidationError(
                    event.error.message or "an error in another API's format"
                )
            out.append(in_stream(event.error, self.usage))
            return True
        for index, raw in enumerate(event.steps or event.outputs or ()):
            self._begin(index, raw, out)
            self._stop(index, out)
        if event.status is None or event.status == "in_progress":
            return False
        return self._complete(_Interaction(status=event.status, usage=event.usage), out)

    def _begin(self, index: int, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        start = _start.decode(raw)
        fields = _fields.decode(raw)
        step = Step(start, fields)
        self._steps[index] = step
        self._order.append(step)
        match step.kind:
            case "thought":
                self._hidden = True
                self._thoughts += 1
                self._begin_items(step, fields.get("summary"), start.summary, out)
            case "model_output":
                if start.text:
                    self._text(step, start.text, out)
                self._begin_items(step, fields.get("content"), start.content, out)
            case "function_call":
                self._calls.begin(step, out)
            case "user_input" | "function_result":
                # An echo of the request.
                self._order.remove(step)
            case kind:
                out.append(ServerToolActivity(kind=kind))

    def _begin_items(
        self,
        step: Step,
        raw: msgspec.Raw | None,
        items: list[TextItem] | None,
        out: list[ModelEvent],
    ) -> None:
        if raw is None or items is None:
            return
        for item, one in zip(items, _raw_items.decode(raw) or (), strict=True):
            self._item(step, item, one, out)

    def _item(self, step: Step, item: TextItem, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        if item.type == "text" and item.text is not None:
            self._text(step, item.text, out)
        else:
            step.add_item(raw)

    def _text(self, step: Step, text: str, out: list[ModelEvent]) -> None:
        if not text:
            return
        step.add_text(text)
        if step.kind == "thought":
            self._shown = True
            out.append(ReasoningText(text=text, part=self._thoughts))
        else:
            out.append(AnswerText(text=text))

    def _change(self, index: int, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        delta = _delta.decode(raw)
        step = self._steps.get(index) or self._implicit_step(index, delta, out)
        match delta.type:
            case "text":
                self._text(step, delta.text or "", out)
            case "thought_summary":
                if delta.content is not None:
                    self._item(step, delta.content, _fields.decode(raw)["content"], out)
            case "arguments_delta":
                if has_value(delta.arguments):
                    self._calls.append_arguments(step, text_or_compact(delta.arguments))
            case "function_call":
                _call_at_once(self._calls, step, delta, _fields.decode(raw), out)
            case _:
                _keep_opaque(step, delta, raw)

    def _implicit_step(self, index: int, delta: _Delta, out: list[ModelEvent]) -> Step:
        """Return the step for a delta with an unknown index.

        If the server numbers the deltas, this is the open step of the same kind; otherwise a new
        step that had no start event. Raises `msgspec.ValidationError` for other kinds.
        """
        kind = _KINDS.get(delta.type)
        latest = self._order[-1] if self._order else None
        if latest is not None and not latest.stopped and latest.kind == kind:
            return latest
        if kind is None or kind == "function_call":
            raise msgspec.ValidationError(f"step {index} was never started")
        self._begin(index, msgspec.Raw(msgspec.json.encode({"type": kind})), out)
        return self._steps[index]

    def _stop(self, index: int, out: list[ModelEvent]) -> None:
        step = self._steps.get(index)
        if step is not None:
            step.stopped = True
        self._calls.end(out)

    def _complete(self, interaction: _Interaction, out: list[ModelEvent]) -> bool:
        if has_value(interaction.usage):
            _counts.decode(interaction.usage)
            self._counted = bytes(interaction.usage)
        status = interaction.status or "completed"
        if malformed(status):
            refusal = Refusal(message=f"{MALFORMED} ({status}).", status="aborted")
            out.append(in_stream(refusal, self.usage))
            return True
        if status in {"failed", "cancelled"} or interaction.error is not None:
            refusal = interaction.error or Refusal(message=f"The interaction ended as {status}.")
            out.append(in_stream(refusal, self.usage))
            return True
        self._calls.end(out, all_of_them=True)
        usage = self.usage
        payload = array_of(step.payload() for step in self._order)
        out.append(
            ModelFinished(
                finish_reason=_finish_reason(status, self._calls.count),
                raw_finish_reason=status,
                reasoning_status=_status(usage, shown=self._shown, hidden=self._hidden),
                usage=usage,
                native=ProviderPayload(origin=self._origin, payload=payload),
            )
        )
        return True


def _call_at_once(
    calls: CallQueue, step: Step, delta: _Delta, fields: Fields, out: list[ModelEvent]
) -> None:
    step.put(fields)
    step.call_id = delta.id or step.call_id
    step.name = tool_name(delta.name or "") or step.name
    if has_value(delta.arguments):
        step.whole = msgspec.Raw(bytes(delta.arguments))
    calls.begin(step, out)


def _keep_opaque(step: Step, delta: _Delta, raw: msgspec.Raw) -> None:
    """Store data that is not displayed but must be sent back to the provider."""
    match delta.type:
        case "thought_signature":
            if delta.signature:
                step.put({"signature": _fields.decode(raw)["signature"]})
        case "text_annotation" | "text_annotation_delta":
            pass
        case _ if step.kind == "model_output":
            step.add_item(raw)
        case _:
            step.put(_fields.decode(raw))


def _finish_reason(status: str, calls: int) -> FinishReason:
    if status in _TRUNCATED:
        return "length"
    return "tool_calls" if calls else "stop"


def _status(usage: Usage | None, *, shown: bool, hidden: bool) -> ReasoningStatus:
    if shown:
        return "shown"
    counted = usage is not None and bool(usage.reasoning_tokens)
    return "hidden_by_provider" if hidden or counted else "none"
