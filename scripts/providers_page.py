"""Generates the providers reference from the tables of hosts, families and dialects."""

import importlib
import json
from collections.abc import Iterator
from typing import Final, cast

import msgspec
from msgspec import inspect as shapes

from scripts.field_docs import Described, cell, described
from scripts.type_words import in_words, without_null
from thinkaloud.providers.families.rule import FamilyRule, HostOverride
from thinkaloud.providers.families.table import RULES, UNKNOWN
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS, BuiltInDialect, Host
from thinkaloud.providers.hosts.table import HOSTS
from thinkaloud.providers.target import Family


class Wire(msgspec.Struct, frozen=True):
    """The description of a dialect on the page."""

    shown: str
    switch: str
    back: str
    recordings: int
    """Number of recorded provider streams that its decoder is tested with."""


WIRES: Final[dict[BuiltInDialect, Wire]] = {
    "openai-chat": Wire(
        "text in `reasoning_content`, `reasoning`, `reasoning_text`, `reasoning_details`, `thinking_blocks`, content"
        " chunks, inline tags or harmony;"
        " OpenAI's own models: only a token count",
        "`reasoning_effort`, or the host's own fields",
        "the message unchanged: its reasoning field, merged details, blocks or chunks with their signatures,"
        " `reasoning_opaque`; inline tags if a host expects them",
        61,
    ),
    "openai-responses": Wire(
        "summaries, or text if the host sends it; else only a token count",
        "`reasoning.effort`",
        "the output items with their encrypted reasoning, in order",
        31,
    ),
    "anthropic-messages": Wire(
        "thinking blocks, as text or summary; redacted ones are opaque",
        "`thinking` with a budget, or adaptive with `output_config.effort`",
        "thinking and redacted blocks, signed or not, first and unchanged",
        24,
    ),
    "google-generate": Wire(
        "summaries in thought parts",
        "`thinkingLevel`, or `thinkingBudget` for Gemini 2.5",
        "every part with its thought signature, in place",
        11,
    ),
    "google-interactions": Wire(
        "summaries in thought steps",
        "`thinking_level`; it cannot be turned off",
        "the steps with their signatures",
        3,
    ),
    "bedrock-converse": Wire(
        "reasoning blocks; inline tags of Nova",
        "`additionalModelRequestFields`, by family",
        "reasoning blocks with their signatures or redacted content",
        6,
    ),
    "cohere-chat": Wire(
        "thinking blocks",
        "`thinking`, on or off, with a token budget",
        "thinking blocks and the tool plan",
        4,
    ),
    "ollama-chat": Wire(
        "`thinking` of the message; inline tags of old servers",
        "`think`, on or off, or a level for gpt-oss",
        "`thinking` of the message",
        3,
    ),
}

_INTRODUCTION: Final = """\
# Providers

<!-- Generated from the tables of hosts, families and dialects by `make generate`. -->

A model id is `host/model`. A **host** is a service that serves models; a **dialect** is the API format it uses; a
**family** describes what a model can do, wherever it is served. Set a host's API key in the environment; it then needs no
further configuration. For any other server that uses one of the dialects, add a table:

```toml
[hosts.lab]
dialect = "openai-chat"
base_url = "http://127.0.0.1:9000/v1"    # the base URL you would give the official SDK
api_key_env = "LAB_API_KEY"              # omit it if no key is needed
models = ["qwen3-8b"]                    # omit it to ask the host
```

A table can also change a known host: another `base_url`, or another of its dialects
(`[hosts.openai] dialect = "openai-chat"`). `thinkaloud models --probe` tests what a host supports.

## Effort

`reasoning_effort` is `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, or a number of tokens if the model supports
a budget. A level is offered only if it changes the request, and `none` only if no reasoning is then generated; any other
level is refused with the list of supported ones. A server's default effort is ignored for models that don't support it.

## Rejected request parts

Some hosts reject requests that contain tools, images, a system prompt, reasoning of earlier turns, or an unknown parameter.
The request is then retried without that part, at most once per part and only while nothing has been shown yet, with a
[notice](errors.md#notices):

| rejected | the request is retried |
|---|---|
| tools | without them; calls and results of earlier turns are sent as text |
| images | with a placeholder text |
| the system prompt, or its role | with the prompt in the first message, or as `system` |
| reasoning of earlier turns | without it |
| tool calls without reasoning | with reasoning before each, blank if there was none |
| a signature, an encrypted item | without the opaque blocks |
| a reasoning effort | without one; the host's default applies |
| an output limit | under its other name (`max_completion_tokens`), or with a lower one |
| any other field of the body | without it |

What succeeded is remembered for that model on that host until the server stops; an effort only for that level, and a
signature only for that conversation, unless it is rejected in the next one, too. If a message asks for an image or an effort
that can't be used, a notice says so each time. To always leave a part out, set the host's [quirks](#quirks).

## Dialects

*Recordings* is the number of recorded provider streams that a decoder is tested with; they are not part of the repository.

| dialect | visible reasoning | how effort is set | what is sent back | recordings |
|---|---|---|---|---|
"""

_HOSTS: Final = """
## Hosts

An unconfigured server uses the first of these that has a key, else the first local server that responds.

| host | name | dialects (the first is the default) | base URL | key |
|---|---|---|---|---|
"""

_FAMILIES: Final = """
## Families

What a model can do when served by its vendor, and how that differs on other hosts. A gateway (OpenRouter, Vercel) accepts
every level and translates it itself. The first family whose names match applies; a model that matches none is assumed to
reason, to support the common levels, and to accept images.

| family | reasons | shows | efforts | budget | images | context | elsewhere |
|---|---|---|---|---|---|---|---|
"""

_QUIRKS: Final = """
## Quirks

If a host deviates from its dialect, set `quirks` in its table (`[hosts.lab.quirks]`). Your settings override the built-in
ones of the family, which override those of the host; each field is replaced as a whole.
"""


def render() -> str:
    """Return the text of docs/reference/providers.md."""
    return "".join(
        (
            _INTRODUCTION,
            *(_wire(name, wire) for name, wire in WIRES.items()),
            _HOSTS,
            *(_host(host) for host in HOSTS.values()),
            _FAMILIES,
            *(_family(rule.family, _elsewhere(rule)) for rule in RULES),
            _family(UNKNOWN, ""),
            _QUIRKS,
            *(_quirks(name) for name in BUILT_IN_DIALECTS),
        )
    )


def _wire(name: str, wire: Wire) -> str:
    return f"| `{name}` | {wire.shown} | {wire.switch} | {wire.back} | {wire.recordings} |\n"


def _host(host: Host) -> str:
    dialects = ", ".join(f"`{name}`" for name in (host.dialect, *host.also))
    address = host.base_url
    for blank in host.placeholders:
        address = address.replace(f"{{{blank.name}}}", f"${blank.env[0]}")
    return f"| `{host.name}` | {host.title} | {dialects} | `{address}` | {_key(host)} |\n"


def _key(host: Host) -> str:
    names = " or ".join(f"`{name}`" for name in host.key_env)
    match host.credentials:
        case "key":
            return names if host.key_required else f"{names}, or none"
        case "aws":
            return f"{names}, or AWS credentials (`thinkaloud[bedrock]`)"
        case "google":
            return "Google credentials (`thinkaloud[google]`)"
        case "azure":
            return f"{names}, or Microsoft Entra (`thinkaloud[azure]`)"


def _family(family: Family, elsewhere: str) -> str:
    budget = "" if family.budget is None else f"{family.budget[0]:,} to {family.budget[1]:,}"
    window = "" if family.max_tokens is None else f"{family.max_tokens:,}"
    images = "yes" if family.images else "no"
    efforts = ", ".join(family.efforts)
    return (
        f"| {family.name} | {family.reasons} | {family.shows} | {efforts} | {budget} | {images}"
        f" | {window} | {elsewhere} |\n"
    )


def _elsewhere(family: FamilyRule) -> str:
    return "; ".join(filter(None, (_difference(rule) for rule in family.overrides)))


def _difference(rule: HostOverride) -> str:
    lines: list[str] = []
    if rule.reasons is not None:
        lines.append(f"reasons {rule.reasons}")
    if rule.shows is not None:
        lines.append(f"shows {rule.shows}")
    if rule.efforts is not None:
        lines.append(", ".join(rule.efforts) or "no efforts")
    if not lines:
        return ""
    place = ", ".join(rule.hosts) or f"`{rule.dialect}`"
    return f"{'template hosts' if rule.templates else place}: {', '.join(lines)}"


def _quirks(name: BuiltInDialect) -> str:
    module = importlib.import_module(
        f"thinkaloud.providers.dialects.{name.replace('-', '_')}.quirks"
    )
    kind = cast("type[msgspec.Struct]", module.Quirks)
    rows = "".join(_rows(kind, ""))
    head = "| field | description | allowed | default |\n|---|---|---|---|\n"
    return f"\n### `{name}`\n\n{head}{rows}"


def _rows(kind: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    for field in described(kind):
        if isinstance(field.kind, shapes.StructType):
            yield from _rows(field.kind.cls, f"{prefix}{field.name}.")
            continue
        allowed = _allowed(without_null(field.kind))
        yield f"| `{prefix}{field.name}` | {cell(field.text)} | {cell(allowed)} | {_default(field)} |\n"


def _allowed(kind: shapes.Type) -> str:
    pairs = isinstance(kind, shapes.VarTupleType) and isinstance(kind.item_type, shapes.TupleType)
    return "list of string pairs" if pairs else in_words(kind)


def _default(field: Described) -> str:
    if field.default is None:
        return "not set"
    return f"`{cell(json.dumps(msgspec.to_builtins(field.default), ensure_ascii=False))}`"
