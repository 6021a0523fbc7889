"""Determines from an error message which part of a request a provider rejected. Pure.

Providers word the same rejection in many ways, and gateways forward them in any API format, so
all dialects share this module. A part is only reported if the request contained it.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

import msgspec

from thinkaloud.core.request_reduction import SAFE_OUTPUT_TOKENS
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import AssistantTurn, ModelRequest, ReasoningPart, ToolTurn, UserTurn
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.trimming import BODY, EFFORT, has_developer, paths

_LONGEST: Final = 4_000
_DEEPEST: Final = 6
_ECHOES: Final = frozenset({"input", "ctx", "failed_generation", "body", "request", "schema"})
"""Fields of an error that echo the request."""


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_UNSUPPORTED: Final = _any(
    r"unsupported|(?:no|without|lacks?)(?: \w+){0,2} support|不支持|未知|无效|不允许",
    r"(?:not|n't|no longer|never|only) (?:yet |currently |be"
    " )?(?:support|accept|allow|permit|work)",
    r"(?:not|n't) (?:yet |currently )?(?:implemented|enabled|available|compatible|capable|recogni)",
    r"(?:not|n't) (?:be )?(?:included|passed|sent|used|specified|provided|take|know|have|handle)",
    r"not (?:a )?(?:valid|one of|expected|defined|multi-?modal)|is invalid|must not|disabled",
    r"cannot (?:be (?:used|disabled|turned off|set|specified|combined)|contain|specify|both|use)",
    r"(?:can't|cannot|can not|unable to) (?:use|call|handle|process|accept|read|see|take|have)",
    r"unrecogni[sz]ed|unknown|unexpected|extra(?:neous)?[ _](?:inputs?|fields?|keys?|forbidden)",
    r"additional propert|cannot find field|no such (?:field|parameter|property)|invalid value",
    r"invalid (?:parameter|argument|field|request|role|content|type|message)|invalid_type",
    r"(?:only|not) (?:supported|available|the default|user and assistant)|no endpoints? found that",
    r"requires? (?:`|--|'|\")?-*(?:enable|jinja|a model)|does not match any of the expected",
    r"must be (?:verified|a string|text|one of|1\b)|(?:may|can) only|one of the following",
    r"input should be|should be a valid string|expected (?:a )?(?:string|str\b|text)|must"
    " alternate",
    r"got (?:an? )?(?:array|list|sequence)|at most 0|mandatory|mutually exclusive|only one of",
    r"deprecated|disallowed|forbidden|incompatible",
)
_OUT_OF_RANGE: Final = _any(
    r"out of range|exceed|(?:greater|less|more) than|too (?:large|small|high|low|big)|[<>]=?",
    r"must be (?:between|at (?:least|most)|a positive|positive|set to)|not in the range",
)
_MISSING: Final = _any(
    r"must be (?:passed|sent|provided|included)|missing|is required|field required",
    r"must start with a thinking",
)
_BARE: Final = _any(
    r"(?:reasoning|thinking).{0,80}must be passed back",
    r"(?:reasoning_content|reasoning_text|thinking).{0,40}(?:is|are) (?:missing|required)",
    r"missing.{0,40}(?:reasoning_content|reasoning_text)",
)
_LOCATED: Final = re.compile(
    r"\b(?:messages?|input|contents?)\W{0,3}\d|\bassistant\b", re.IGNORECASE
)
_EXTRA: Final = _any("extra inputs", "additional propert", "unknown field", "unexpected field")
_THOUGHT: Final = _any("reasoning", "thinking", r"\bthoughts?\b", "思考|推理")
_CARRIERS: Final = _any(
    "reasoning_content|reasoning_details|reasoning_text|reasoning_opaque|thinking_blocks",
    "reasoningContent|redacted_thinking|reasoning content",
    r"(?:part|content|block|item|input|variant)(?: type| tag)?\W{1,4}(?:thinking|reasoning)",
)
_OPAQUE: Final = _any(
    "signature|encrypted|redacted_thinking|reasoning_opaque|reasoning_details|`thinking`",
    "thinking blocks?|contain thinking|reasoning content is|without its required",
    r"\brs_|reasoning item|item with id|previous.response|items? are not persisted",
)
_BROKEN: Final = _any(
    "invalid|not valid|corrupt|malformed|decrypt|could not|cannot be|can't be|fail(?:ed|s) to",
    "not match|mismatch|not found|no item|not persisted|without its required|expired|unable to",
    "tampered|different model|another model|cannot contain|must contain|verification failed",
    "bad signature|unknown|does not exist|not recogni[sz]ed",
)
_EXPECTED: Final = _any("expected `?thinking|must start with a thinking block")
"""Claude expects a thinking block that is missing: the request must not enable thinking then."""
_IMAGES: Final = _any("image", "vision", "multi-?modal", "pictures?", "inline_?data", "图片|图像")
_BAD_IMAGE: Final = _any(
    r"\bformats?\b|mime|media[ _]type|dimension|pixels|too (?:large|big|many)|decode|corrupt",
    "download|exceed",
)
_TOOLS: Final = _any(r"\btools?\b", r"function[ _-]?call", r"\bfunctions?\b", "工具|函数调用")
_ONE_TOOL: Final = _any(
    r"\btools?\W{0,3}\d|functionDeclarations?\W{0,3}\d|tool_choice|tool_call_id|schema|for function"
)
"""Complaints about a malformed tool or call, which would fail with any model."""
_SYSTEM: Final = _any(
    r"system[ _]?(?:role|message|prompt|instruction)|developer (?:role|message|instruction)",
    r"role\W{0,4}system|['\"`]system['\"`]|roles must alternate|only user and assistant",
)
_EFFORT: Final = _any("reasoning", "thinking", "effort", r"\bthink\b", "思考|推理")
_LIMIT: Final = _any(
    r"max(?:imum)?[ _]?(?:output|completion|new)?[ _]?tokens?.{0,60}"
    r"(?:too large|exceed|at most|[<>]|maximum|less than|up to|greater)",
    r"at most \d+ (?:completion|output) tokens",
)
_ROOM: Final = _any("context", "window", "input", "prompt")
_COMMON: Final = frozenset({"google", "type", "enabled"})
"""Names too common to be distinguished from ordinary words."""
_CONTENT_STRING: Final = _any(r"content.{0,80}(?:string|text)")


class SentRequest(NamedTuple):
    """A request that was sent."""

    request: ModelRequest
    http: HttpRequest
    origin: Origin
    """Native payloads of this origin were included."""


def error_text(body: bytes) -> str:
    """Return the text of an error body, without the fields that echo the request."""
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:_LONGEST].decode(errors="replace")
    message = ""
    for piece in _pieces(value, 0):
        message = f"{message} {piece}" if message else piece
        if len(message) >= _LONGEST:
            break
    return message[:_LONGEST]


def rejected_part(message: str, sent: SentRequest) -> str:
    """Return the part that this message rejects, or `""` if it mentions none that was sent."""
    if _is_opaque(message, sent):
        return "opaque"
    if _BARE.search(message) or _EXPECTED.search(message):
        return "bare_calls" if _BARE.search(message) else "effort"
    if _LIMIT.search(message) and _carries_limit(sent):
        return "output_room" if _ROOM.search(message) else "output_limit"
    unsupported = _UNSUPPORTED.search(message) is not None
    if unsupported and _is_reasoning(message, sent):
        return "reasoning"
    if _MISSING.search(message):
        return ""
    member = _member(message, sent) if unsupported or _OUT_OF_RANGE.search(message) else ""
    return member or (unsupported and (_kind(message, sent) or _thought(message, sent))) or ""


def _is_opaque(message: str, sent: SentRequest) -> bool:
    if not _OPAQUE.search(message) or not carries_opaque(sent.request, sent.origin):
        return False
    if _EXPECTED.search(message):
        return True
    if _MISSING.search(message):
        # A lost signature cannot be recovered, but its block can be left out.
        return "signature" in message.lower()
    if _BROKEN.search(message):
        return True
    return _UNSUPPORTED.search(message) is not None and _LOCATED.search(message) is not None


def _is_reasoning(message: str, sent: SentRequest) -> bool:
    named = _CARRIERS.search(message) or (_LOCATED.search(message) and _THOUGHT.search(message))
    return bool(named) and not _MISSING.search(message) and _carries_reasoning(sent)


def _carries_reasoning(sent: SentRequest) -> bool:
    request = sent.request
    return request.send_reasoning and (
        carries_opaque(request, sent.origin)
        or any(
            isinstance(turn, AssistantTurn)
            and any(isinstance(part, ReasoningPart) for part in turn.parts)
            for turn in request.turns
        )
    )


def carries_opaque(request: ModelRequest, origin: Origin) -> bool:
    """Return whether the request includes a native payload of this origin."""
    return request.send_opaque and any(
        isinstance(turn, AssistantTurn) and turn.native is not None and turn.native.origin == origin
        for turn in request.turns
    )


def _carries_limit(sent: SentRequest) -> bool:
    limit = sent.request.max_output_tokens
    if limit is None:
        return sent.origin.dialect == "anthropic-messages"
    return limit > SAFE_OUTPUT_TOKENS


def _member(message: str, sent: SentRequest) -> str:
    """Return the body field that is mentioned first; the longer name wins at equal positions."""
    needed = {"max_tokens"} if sent.origin.dialect == "anthropic-messages" else set[str]()
    found: list[tuple[int, int, str]] = []
    for path in paths(sent.http.body):
        for name in {path, path.rpartition(".")[2]}:
            place = _place(name, message)
            if place is not None and name not in needed and name not in _COMMON:
                found.append((place, -len(path), path))
    return f"{BODY}{min(found)[2]}" if found else ""


def _place(name: str, message: str) -> int | None:
    """Return the position of a name as a whole word, in snake case or camel case."""
    words = re.split(r"_|(?<=[a-z])(?=[A-Z])", name)
    pattern = "_?".join(re.escape(word) for word in words)
    found = re.search(rf"(?<![\w.]){pattern}(?!\w)", message, re.IGNORECASE)
    found = found or re.search(rf"(?<!\w){pattern}(?!\w)", message, re.IGNORECASE)
    return None if found is None else found.start()


def _kind(message: str, sent: SentRequest) -> str:
    """Return the kind of content that the message rejects entirely."""
    request = sent.request
    images = any(isinstance(turn, UserTurn) and turn.images for turn in request.turns)
    if images and (_IMAGES.search(message) or _CONTENT_STRING.search(message)):
        return "" if _BAD_IMAGE.search(message) else "images"
    if re.search("developer", message, re.IGNORECASE) and has_developer(sent.http.body):
        return "developer"
    results = any(isinstance(turn, ToolTurn) for turn in request.turns)
    if (request.tools or results) and _TOOLS.search(message) and not _ONE_TOOL.search(message):
        return "tools"
    return "system" if request.system and _SYSTEM.search(message) else ""


def _thought(message: str, sent: SentRequest) -> str:
    """Return the part that requests reasoning, or that contains earlier reasoning."""
    if _EFFORT.search(message) and not set(EFFORT).isdisjoint(paths(sent.http.body)):
        return "effort"
    if _THOUGHT.search(message) and _carries_reasoning(sent):
        return "reasoning"
    # The only host-specific content left is the native payload.
    of_history = (
        _LOCATED.search(message) or _CONTENT_STRING.search(message) or _EXTRA.search(message)
    )
    return "opaque" if of_history and carries_opaque(sent.request, sent.origin) else ""


def _pieces(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth >= _DEEPEST:
        return
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            if name == "loc" and isinstance(inner, list):
                yield ".".join(str(step) for step in cast("list[object]", inner))
            elif name not in _ECHOES:
                yield from _pieces(inner, depth + 1)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _pieces(inner, depth + 1)
