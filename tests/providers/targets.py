"""What the fuzzer throws bytes at, and what must hold whatever it throws.

The same checks run in `make soak` (coverage-guided, for as long as wanted) and in `make test`
(a bounded replay). An input's first two bytes choose a variant of the target and the cuts.
"""

import base64
import contextlib
import itertools
import random
from collections.abc import Callable, Sequence

from tests.providers.anthropic_messages.wires import frame
from tests.providers.playback import DecodedResponse
from tests.providers.streams import FRAMES, NDJSON, SSE, WIRES, ResponseText
from thinkaloud.core.parsers.aws_eventstream import EventStreamParser
from thinkaloud.core.parsers.harmony import HarmonySplitter
from thinkaloud.core.parsers.inline import InlineSplitter
from thinkaloud.core.parsers.inline_state import Inline, Piece
from thinkaloud.core.parsers.inline_tags import BRACKETED, GRANITE
from thinkaloud.core.parsers.sse import EventTooLarge, SSEParser
from thinkaloud.errors import ProviderError
from thinkaloud.events.model import ModelEvent
from thinkaloud.ports.model import Decoder, Dialect
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.providers.target import Target

Check = Callable[[bytes], None]
"""Raises where something does not hold; `data` is an input without its first two bytes chosen."""

JSON = "application/json"
WHOLE_TAGS = (*BRACKETED, *GRANITE)


def cuttings(data: bytes, seed: int) -> list[list[bytes]]:
    """Return ways to cut the data: one byte at a time where it is small, and at random places."""
    dice = random.Random(seed)
    ways = [[data]]
    if len(data) <= 600:
        ways.append([data[at : at + 1] for at in range(len(data))])
    if len(data) > 1:
        places = sorted(dice.sample(range(1, len(data)), min(len(data) - 1, dice.randint(1, 12))))
        ways.append([data[a:b] for a, b in itertools.pairwise([0, *places, len(data)])])
    return ways


def play(decoder: Decoder, chunks: Sequence[bytes]) -> list[object]:
    """Return a response's content, regardless of how it was split; it must end, and only once."""
    events: list[ModelEvent] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    events += decoder.close()
    assert decoder.feed(b"data: {}\n\n") == []
    assert decoder.close() == []
    return DecodedResponse(events).normalized


def bound(dialect: BuiltInDialect, **quirks: object) -> Dialect:
    """Return a dialect bound to a target of no family."""
    target = Target("lab", dialect, "https://lab.test/v1", "m-1", quirks=quirks)
    return load_dialect(dialect)(target)


def decoding(variants: Sequence[tuple[Dialect, str]], wrap: Callable[[bytes], bytes]) -> Check:
    """Return the check of a decoder: it ends in one last event, the same however it is cut."""

    def check(data: bytes) -> None:
        dialect, content_type = variants[data[0] % len(variants)]
        body = wrap(data[2:])
        decoded = [
            play(dialect.decoder(content_type), chunks) for chunks in cuttings(body, data[1])
        ]
        assert all(each == decoded[0] for each in decoded), "the cuts make a difference"

    return check


def refusing(dialect: Dialect) -> Check:
    """Return the check of everything else that a provider answers: only typed errors."""

    def check(data: bytes) -> None:
        status = (400, 401, 403, 404, 408, 413, 429, 500, 503, 529)[data[0] % 10]
        headers = {"content-type": JSON, "retry-after": data[2:6].decode("latin-1")}
        headers["x-amzn-errortype"] = data[2:30].decode("latin-1")
        error = dialect.error(status, headers, data[2:])
        assert isinstance(error, ProviderError)
        assert len(error.message) <= 2_000
        with contextlib.suppress(ProviderError):
            dialect.listed(data[2:])

    return check


def _sse(data: bytes) -> None:
    limit = (20, 60, 2**20)[data[0] % 3]
    results: list[object] = []
    for chunks in cuttings(data[2:], data[1]):
        parser = SSEParser(limit)
        events: list[tuple[bytes, bytes]] = []
        try:
            for chunk in chunks:
                events += parser.feed(chunk)
            events += parser.close()
        except EventTooLarge:
            results.append((events, "too large"))
        else:
            results.append((events, "whole"))
        assert all(len(payload) <= limit for _, payload in events)
    assert all(each == results[0] for each in results), "the cuts make a difference"


def _eventstream(data: bytes) -> None:
    results: list[object] = []
    for chunks in cuttings(data[2:], data[1]):
        parser = EventStreamParser((64, 2**20)[data[0] % 2])
        frames = [found for chunk in chunks for found in parser.feed(chunk)]
        results.append((frames, parser.broken))
    assert all(each == results[0] for each in results), "the cuts make a difference"


def _tags(data: bytes) -> None:
    text = data[2:].decode("utf-8", "replace")
    tags = WHOLE_TAGS if data[0] & 2 else BRACKETED
    inline = Inline(tags, preopened=bool(data[0] & 1), strict=bool(data[0] & 4))
    results: list[object] = []
    for chunks in cuttings(text.encode("utf-32-le"), data[1]):
        splitter = InlineSplitter(inline)
        pieces: list[Piece] = []
        held = b""
        for chunk in chunks:
            held += chunk
            whole = len(held) - len(held) % 4
            pieces += splitter.feed(held[:whole].decode("utf-32-le"))
            held = held[whole:]
        pieces += splitter.close()
        joined: list[Piece] = []
        for kind, piece in pieces:
            assert piece or kind == "was_reasoning", "a piece is empty"
            if joined and joined[-1].kind == kind != "was_reasoning":
                joined[-1] = Piece(kind, joined[-1].text + piece)
            else:
                joined.append(Piece(kind, piece))
        results.append(joined)
    assert all(each == results[0] for each in results), "the cuts make a difference"


def _harmony(data: bytes) -> None:
    text = data[2:].decode("utf-8", "replace")
    results: list[object] = []
    for size in (max(len(text), 1), 1, data[1] % 9 + 1):
        splitter = HarmonySplitter()
        pieces = [
            piece
            for start in range(0, len(text), size)
            for piece in splitter.feed(text[start : start + size])
        ]
        pieces += splitter.close()
        joined: list[tuple[str, int, str]] = []
        for kind, piece, block in pieces:
            if joined and kind != "call" and joined[-1][:2] == (kind, block):
                joined[-1] = (kind, block, joined[-1][2] + piece)
            else:
                joined.append((kind, block, piece))
        results.append(joined)
    assert all(each == results[0] for each in results), "the cuts make a difference"


def _as_is(data: bytes) -> bytes:
    return data


def framed(data: bytes) -> bytes:
    """Return AWS frames with true checksums: one a line, `kind payload`; `!kind` an exception."""
    frames: list[bytes] = []
    for line in data.split(b"\n"):
        kind, _, payload = line.partition(b" ")
        name = kind.decode("ascii", "replace").encode("ascii", "replace").decode()
        if name.startswith("!"):
            frames.append(frame(payload, message_type="exception", exception_type=name[1:]))
        else:
            frames.append(frame(payload, event_type=name))
    return b"".join(frames)


def invoked(data: bytes) -> bytes:
    """Return AWS frames as Bedrock's invoke sends them: each line is an event in base64."""
    return b"".join(frame(b'{"bytes":"%b"}' % base64.b64encode(line)) for line in data.split(b"\n"))


_CHAT = bound("openai-chat")
_TAGGED = bound("openai-chat", harmony=True)
_PREOPENED = bound("openai-chat", preopened=True)
_ANTHROPIC = bound("anthropic-messages")
_RESPONSES = bound("openai-responses")
_CONVERSE = bound("bedrock-converse")
_GENERATE = bound("google-generate")
_INTERACTIONS = bound("google-interactions")
_COHERE = bound("cohere-chat")
_OLLAMA = bound("ollama-chat")

TARGETS: dict[str, Check] = {
    "sse": _sse,
    "eventstream": _eventstream,
    "tags": _tags,
    "harmony": _harmony,
    "openai-chat": decoding([(_CHAT, SSE), (_TAGGED, SSE), (_PREOPENED, SSE)], _as_is),
    "openai-responses": decoding([(_RESPONSES, SSE), (_RESPONSES, JSON)], _as_is),
    "anthropic-messages": decoding([(_ANTHROPIC, SSE), (_ANTHROPIC, JSON)], _as_is),
    "anthropic-invoke": decoding([(_ANTHROPIC, FRAMES)], invoked),
    "google-generate": decoding([(_GENERATE, SSE), (_GENERATE, JSON)], _as_is),
    "google-interactions": decoding([(_INTERACTIONS, SSE), (_INTERACTIONS, JSON)], _as_is),
    "bedrock-frames": decoding([(_CONVERSE, FRAMES)], framed),
    "bedrock-bytes": decoding([(_CONVERSE, FRAMES), (_CONVERSE, JSON)], _as_is),
    "cohere-chat": decoding([(_COHERE, SSE), (_COHERE, JSON)], _as_is),
    "ollama-chat": decoding([(_OLLAMA, NDJSON), (_OLLAMA, JSON)], _as_is),
    **{
        f"{dialect.origin.dialect} errors": refusing(dialect)
        for dialect in (
            _CHAT,
            _RESPONSES,
            _ANTHROPIC,
            _GENERATE,
            _INTERACTIONS,
            _CONVERSE,
            _COHERE,
            _OLLAMA,
        )
    },
}
"""Everything that reads a provider's bytes, by name."""

_SAID = ResponseText(("Hm… ", "<b> "), ("Yes", " `</think>`."), ('{"q":', '"é"}'))
_ERRORS = [
    b'{"error":{"message":"Invalid signature in thinking block","type":"invalid_request_error"}}',
    b'{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED","details":[{"@type":'
    b'"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3s"}]}}',
    b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
    b'[{"error":{"code":400,"message":"no"}}]',
    b'{"error":"unauthorized"}',
    b'{"detail":[{"loc":["body"],"msg":"bad","type":"x"}]}',
    b'{"message":"The security token is wrong","__type":"x"}',
    b"<html><title>502</title></html>",
    b'{"object":"list","data":[{"id":"m","context_length":4}]}',
    b'{"models":[{"name":"models/m","inputTokenLimit":4}]}',
]
_WHOLE = {
    "openai-responses": b'{"status":"completed","output":[{"type":"reasoning","summary":[{"type":'
    b'"summary_text","text":"a"}]},{"type":"message","content":[{"type":"output_text",'
    b'"text":"b"}]}],"usage":{"output_tokens":3}}',
    "anthropic-messages": b'{"type":"message","content":[{"type":"thinking","thinking":"a",'
    b'"signature":"s"},{"type":"text","text":"b"}],"stop_reason":"end_turn","usage":{}}',
    "google-generate": b'[{"candidates":[{"content":{"parts":[{"text":"a","thought":true}]}}]},'
    b'{"candidates":[{"finishReason":"STOP"}]}]',
    "google-interactions": b'{"status":"completed","steps":[{"type":"thought","summary":[{"type":'
    b'"text","text":"a"}]},{"type":"model_output","content":[{"type":"text","text":"b"}]}]}',
    "bedrock-bytes": b'{"output":{"message":{"role":"assistant","content":[{"reasoningContent":'
    b'{"reasoningText":{"text":"a","signature":"s"}}},{"text":"b"}]}},"stopReason":"end_turn"}',
    "cohere-chat": b'{"finish_reason":"COMPLETE","message":{"content":[{"type":"thinking",'
    b'"thinking":"a"},{"type":"text","text":"b"}]}}',
    "ollama-chat": b'{"message":{"role":"assistant","content":"b","thinking":"a"},"done":true}',
}
_TEXTS = {
    "sse": [b"event: e\r\ndata: a\ndata: b\r\r: c\nid: 1\n\ndata", b"\xef\xbb\xbfdata:a\n\n"],
    "tags": [f"{a}x{b}y".encode() for a, b in WHOLE_TAGS],
    "harmony": [
        b"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b",
        b"<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}"
        b"<|call|>",
    ],
}


def seeds(name: str) -> list[bytes]:
    """Return inputs to begin with: well-formed ones of this target."""
    bodies = list(_TEXTS.get(name, []))
    if name.endswith(" errors"):
        bodies += _ERRORS
    bodies += [wire.body(_SAID) for key, wire in WIRES.items() if key.startswith(name)]
    found = [b"\x00\x01" + body for body in bodies]
    if name == "openai-chat":
        # A harmony stream is one whose content is; a complete message is recognized by its "{".
        texts = [ResponseText((), [text.decode()]) for text in _TEXTS["harmony"]]
        found += [b"\x01\x02" + WIRES[name].body(response) for response in texts]
        found.append(b'\x00\x02{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}')
    if name in ("bedrock-bytes", "eventstream"):
        found.append(b"\x00\x03" + WIRES["bedrock-converse"].body(_SAID))
    if name == "bedrock-frames":
        body = WIRES["bedrock-converse"].body(_SAID)
        frames = EventStreamParser().feed(body)
        lines = [f.headers[":event-type"].encode() + b" " + f.payload for f in frames]
        found.append(b"\x00\x04" + b"\n".join(lines))
        found.append(b'\x00\x04!throttlingException {"message":"slow"}')
    if name == "anthropic-invoke":
        events = SSEParser().feed(WIRES["anthropic-messages"].body(_SAID))
        found.append(b"\x00\x05" + b"\n".join(payload for _, payload in events))
    if name in _WHOLE:
        found.append(b"\x01\x06" + _WHOLE[name])
    return found
