"""Decodes generateContent responses.

Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

import msgspec

from thinkaloud.errors import ProviderCode
from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    Origin,
    ProviderPayload,
    ReasoningStatus,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.providers.dialects.faults import names_error
from thinkaloud.providers.dialects.google_generate.errors import in_stream, is_known
from thinkaloud.providers.dialects.http_errors import Refusal, displayable
from thinkaloud.providers.dialects.outcomes import MALFORMED, ending, malformed
from thinkaloud.providers.dialects.raw_json import ABSENT, array_of, has_value, text_or_compact
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, assembled, tool_name

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
_BROKEN = {
    "MALFORMED_FUNCTION_CALL": "The model wrote an invalid tool call",
    "MALFORMED_RESPONSE": "The model wrote an invalid response",
    "UNEXPECTED_TOOL_CALL": "The model called an unknown tool",
    "TOO_MANY_TOOL_CALLS": "The model called too many tools in a row",
    "OTHER": "The model stopped for an unspecified reason",
}


class _FunctionCall(msgspec.Struct):
    name: str
    id: str | None = None
    args: msgspec.Raw = ABSENT


class _Part(msgspec.Struct):
    text: str | None = None
    thought: bool | None = None
    signature: str | None = msgspec.field(default=None, name="thoughtSignature")
    call: _FunctionCall | None = msgspec.field(default=None, name="functionCall")
    code: msgspec.Raw = msgspec.field(default=ABSENT, name="executableCode")
    result: msgspec.Raw = msgspec.field(default=ABSENT, name="codeExecutionResult")
    server_call: msgspec.Raw = msgspec.field(default=ABSENT, name="toolCall")
    server_response: msgspec.Raw = msgspec.field(default=ABSENT, name="toolResponse")


class _Content(msgspec.Struct):
    parts: list[msgspec.Raw] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    finish: str | None = msgspec.field(default=None, name="finishReason")
    words: str | None = msgspec.field(default=None, name="finishMessage")
    index: int | None = None


class _Feedback(msgspec.Struct):
    reason: str | None = msgspec.field(default=None, name="blockReason")
    words: str | None = msgspec.field(default=None, name="blockReasonMessage")


class _Chunk(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    feedback: _Feedback | None = msgspec.field(default=None, name="promptFeedback")
    usage: msgspec.Raw = msgspec.field(default=ABSENT, name="usageMetadata")
    error: Refusal | None = None


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None


_chunk = msgspec.json.Decoder(_Chunk)
_chunks = msgspec.json.Decoder(list[_Chunk])
_part = msgspec.json.Decoder(_Part)
_counts = msgspec.json.Decoder(_Counts | None)
_figures = msgspec.json.Decoder(dict[str, object])


class _NativeParts:
    """The parts of a response to send back: signed ones in position, byte for byte."""

    __slots__ = ("_parts", "_run", "_thought")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._run: list[str] = []
        self._thought = False

    def text(self, text: str, *, thought: bool) -> None:
        """Add unsigned text, merged with adjacent unsigned text of the same kind."""
        if thought is not self._thought:
            self._close_run()
            self._thought = thought
        self._run.append(text)

    def part(self, raw: msgspec.Raw) -> None:
        """Add a part unchanged."""
        self._close_run()
        # A copy, because a raw value is a view that keeps its whole event in memory.
        self._parts.append(bytes(raw))

    def payload(self) -> msgspec.Raw:
        """Return the JSON array of all parts."""
        self._close_run()
        return array_of(self._parts)

    def _close_run(self) -> None:
        if self._run:
            part: dict[str, object] = {"text": "".join(self._run)}
            if self._thought:
                part["thought"] = True
            self._parts.append(msgspec.json.encode(part))
            self._run.clear()


class GenerateReader:
    """Reads the chunks of one response; see `thinkaloud.providers.dialects.framing.Reader`."""

    __slots__ = (
        "_answering",
        "_budget",
        "_calls",
        "_counted",
        "_finish",
        "_ids",
        "_index",
        "_kept",
        "_opaque",
        "_origin",
        "_shown",
    )

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._kept = _NativeParts()
        self._calls = 0
        self._budget = CallBudget()
        self._ids = CallIds()
        self._counted: bytes | None = None
        self._finish: str | None = None
        self._index = 0
        self._answering: int | None = None
        """The index of the candidate with the answer."""
        self._shown = False
        self._opaque = False

    @property
    def usage(self) -> Usage | None:
        """The latest usage. Output includes the thoughts, which Google counts separately."""
        if self._counted is None:
            return None
        counts = _counts.decode(self._counted)
        if counts is None:
            return None
        thoughts = counts.thoughts_token_count
        return Usage(
            input_tokens=(counts.prompt_token_count or 0)
            + (counts.tool_use_prompt_token_count or 0),
            output_tokens=(counts.candidates_token_count or 0) + (thoughts or 0),
            reasoning_tokens=thoughts,
            cache_read_tokens=counts.cached_content_token_count,
            raw=_figures.decode(self._counted),
        )

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one chunk, or the array of chunks of a response without `alt=sse`."""
        if name and names_error(name):
            raise msgspec.ValidationError("the event reports an error")
        if payload.lstrip()[:1] == b"[":
            return any(self._chunk(chunk, out) for chunk in _chunks.decode(payload))
        return self._chunk(_chunk.decode(payload), out)

    def flush(self, out: list[ModelEvent]) -> None:
        """Do nothing, as no text is buffered."""

    def finish(self, out: list[ModelEvent]) -> bool:
        """End the response if a chunk had a finish reason."""
        if self._finish is None:
            return False
        usage = self.usage
        out.append(
            ModelFinished(
                finish_reason=self._finish_reason(self._finish),
                raw_finish_reason=self._finish,
                reasoning_status=self._status(usage),
                usage=usage,
                native=ProviderPayload(origin=self._origin, payload=self._kept.payload()),
            )
        )
        return True

    def _chunk(self, chunk: _Chunk, out: list[ModelEvent]) -> bool:
        if has_value(chunk.usage):
            _counts.decode(chunk.usage)
            self._counted = bytes(chunk.usage)
        if chunk.error is not None:
            if not is_known(chunk.error):
                raise msgspec.ValidationError(
                    chunk.error.message or "an error in another API's format"
                )
            out.append(in_stream(chunk.error, self.usage))
            return True
        for candidate in chunk.candidates or ():
            # Only one is requested, but some gateways number its blocks as candidates.
            if not candidate.index or self._answering != 0:
                self._index = candidate.index or 0
                return self._candidate(candidate, out)
        feedback = chunk.feedback
        if feedback is None or feedback.reason in {None, "BLOCK_REASON_UNSPECIFIED"}:
            return False
        words = feedback.words or f"The provider blocked the prompt: {feedback.reason}."
        self._fail("provider_content_filter", words, out)
        return True

    def _candidate(self, candidate: _Candidate, out: list[ModelEvent]) -> bool:
        if candidate.content is not None:
            for raw in candidate.content.parts or ():
                self._read_part(_part.decode(raw), raw, out)
        finish = ending(candidate.finish)
        if not finish:
            return False
        self._finish = finish
        if finish in _FILTERED:
            words = candidate.words or f"The provider's content filter ended the answer: {finish}."
            self._fail("provider_content_filter", words, out)
            return True
        if finish == "MISSING_THOUGHT_SIGNATURE":
            words = candidate.words or "A tool call was sent back without its thought signature."
            self._fail("provider_bad_request", words, out, rejected="opaque")
            return True
        if finish in _BROKEN or malformed(finish):
            words = candidate.words or f"{_BROKEN.get(finish, MALFORMED)} ({finish})."
            self._fail("provider_stream_cut", words, out)
            return True
        return False

    def _read_part(self, part: _Part, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        if part.signature:
            self._opaque = True
        if part.text is not None:
            self._read_text(part, part.text, raw, out)
            return
        if part.call is not None:
            self._call(part.call, raw, out)
            return
        self._kept.part(raw)
        if has_value(part.code):
            out.append(ServerToolActivity(kind="executableCode"))
        elif has_value(part.result):
            out.append(ServerToolActivity(kind="codeExecutionResult"))
        elif has_value(part.server_call):
            out.append(ServerToolActivity(kind="toolCall"))
        elif has_value(part.server_response):
            out.append(ServerToolActivity(kind="toolResponse"))

    def _call(self, call: _FunctionCall, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        self._budget.begin()
        call_id = self._ids.unique(call.id or f"call_{self._calls}")
        self._calls += 1
        name = tool_name(call.name)
        arguments = assembled([text_or_compact(call.args)])
        self._budget.add(len(arguments))
        if name != call.name or (call.id and call_id != call.id):
            raw = _changed(raw, name, call_id)
        self._kept.part(raw)
        out.append(ToolCallOpened(tool_call_id=call_id, name=name))
        out.append(ToolCall(tool_call_id=call_id, name=name, arguments=arguments))

    def _read_text(self, part: _Part, text: str, raw: msgspec.Raw, out: list[ModelEvent]) -> None:
        thought = part.thought is True
        if part.signature:
            self._kept.part(raw)
        elif text:
            self._kept.text(text, thought=thought)
        if not text:
            return
        if thought:
            self._shown = True
            out.append(ReasoningText(text=text))
        else:
            if self._answering is None:
                self._answering = self._index
            out.append(AnswerText(text=text))

    def _fail(
        self,
        code: ProviderCode,
        words: str,
        out: list[ModelEvent],
        *,
        rejected: str = "",
    ) -> None:
        out.append(
            ModelFailed(
                code=code,
                message=displayable(words),
                retryable=code == "provider_stream_cut",
                usage=self.usage,
                rejected=rejected,
            )
        )

    def _finish_reason(self, raw: str) -> FinishReason:
        if raw == "MAX_TOKENS":
            return "length"
        return "tool_calls" if self._calls else "stop"

    def _status(self, usage: Usage | None) -> ReasoningStatus:
        if self._shown:
            return "shown"
        hidden = self._opaque or (usage is not None and bool(usage.reasoning_tokens))
        return "hidden_by_provider" if hidden else "none"


def _changed(raw: msgspec.Raw, name: str, call_id: str) -> msgspec.Raw:
    """Return a call's part with a changed name and id, which results use to refer to it."""
    part = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    call = msgspec.json.decode(part["functionCall"], type=dict[str, object])
    call = {**call, "name": name, "id": call_id}
    return msgspec.Raw(msgspec.json.encode({**part, "functionCall": call}))
