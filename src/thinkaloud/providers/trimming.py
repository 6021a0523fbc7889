"""Lists and removes fields of a request's JSON body. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from thinkaloud.events.prompt import RequestPart

BODY: Final = "body."
"""The prefix of a part's name if the part is a field of the body."""
EFFORT: Final = (
    "reasoning_effort",
    "reasoning",
    "thinking",
    "think",
    "enable_thinking",
    "thinking_budget",
    "chat_template_kwargs",
    "reasoning_format",
    "reasoning_split",
    "include_reasoning",
    "output_config",
    "venice_parameters",
    "extra_body.google.thinking_config",
    "generationConfig.thinkingConfig",
    "generation_config.thinking_level",
    "generation_config.thinking_summaries",
    "additionalModelRequestFields.thinking",
    "additionalModelRequestFields.output_config",
    "additionalModelRequestFields.reasoningConfig",
    "additionalModelRequestFields.reasoning_config",
    "additionalModelRequestFields.reasoning_effort",
)
"""The fields that configure reasoning, across all API formats."""

_CONTENT: Final = frozenset(
    {
        "model",
        "messages",
        "input",
        "contents",
        "system",
        "systemInstruction",
        "system_instruction",
        "instructions",
        "tools",
        "toolConfig",
        "stream",
        "anthropic_version",
    }
)
"""Fields that are required, or that count as separate parts."""
_CONTAINERS: Final = frozenset(
    {
        "reasoning",
        "output_config",
        "generationConfig",
        "generation_config",
        "thinkingConfig",
        "inferenceConfig",
        "additionalModelRequestFields",
        "chat_template_kwargs",
        "extra_body",
        "google",
        "options",
    }
)
"""Objects whose fields can be removed individually."""
_INSTEAD: Final = {
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
}

_Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(_Members)
_messages = msgspec.json.Decoder(list[msgspec.Raw])


class _Message(msgspec.Struct):
    role: str = ""


_message = msgspec.json.Decoder(_Message)


def paths(body: bytes) -> list[str]:
    """Return the dotted paths of the optional fields of a body."""
    return list(_paths(_members.decode(body), ""))


def is_about_effort(part: RequestPart) -> bool:
    """Return whether a part configures reasoning."""
    path = part.removeprefix(BODY)
    return part == "effort" or any(
        path == each or path.startswith(f"{each}.") or each.startswith(f"{path}.")
        for each in EFFORT
    )


def has_developer(body: bytes) -> bool:
    """Return whether the system prompt is a message with the role `developer`."""
    found = _first_message(_members.decode(body))
    return found is not None and _message.decode(found[1][0]).role == "developer"


def trimmed(body: bytes, parts: Iterable[RequestPart]) -> bytes:
    """Return the body without these parts. The remaining values are unchanged, byte for byte."""
    names = [part.removeprefix(BODY) for part in parts if part.startswith(BODY)]
    if "effort" in parts:
        names.extend(EFFORT)
    developer = "developer" in parts
    if not names and not developer:
        return body
    members = _members.decode(body)
    for name in names:
        _drop(members, name, names)
    if developer:
        _demote(members)
    return msgspec.json.encode(members)


def _paths(members: Mapping[str, msgspec.Raw], before: str) -> Iterable[str]:
    for name, value in members.items():
        if not before and name in _CONTENT:
            continue
        yield before + name
        if name in _CONTAINERS and bytes(value).startswith(b"{"):
            yield from _paths(_members.decode(value), f"{before}{name}.")


def _drop(members: _Members, path: str, names: list[str]) -> None:
    name, _, rest = path.partition(".")
    value = members.get(name)
    if value is None:
        return
    if not rest:
        del members[name]
        other = _INSTEAD.get(name)
        if other is not None and other not in names:
            members.setdefault(other, value)
        return
    if not bytes(value).startswith(b"{"):
        return
    inner = _members.decode(value)
    _drop(inner, rest, [])
    if inner:
        members[name] = msgspec.Raw(msgspec.json.encode(inner))
    else:
        del members[name]


def _demote(members: _Members) -> None:
    found = _first_message(members)
    if found is None:
        return
    name, messages = found
    first = _members.decode(messages[0])
    if _message.decode(messages[0]).role == "developer":
        first["role"] = msgspec.Raw(b'"system"')
        messages[0] = msgspec.Raw(msgspec.json.encode(first))
        members[name] = msgspec.Raw(msgspec.json.encode(messages))


def _first_message(members: _Members) -> tuple[str, list[msgspec.Raw]] | None:
    for name in ("messages", "input"):
        value = members.get(name)
        if (
            value is not None
            and bytes(value).startswith(b"[")
            and (found := _messages.decode(value))
        ):
            return name, found
    return None
