"""The reference page of the providers, from the tables of hosts and families and the dialects."""

import importlib
import json
from collections.abc import Iterator
from typing import Final, cast, get_args

import msgspec
from msgspec import inspect as shapes

from scripts.field_docs import Described, cell, described
from scripts.type_words import in_words, without_null
from thinkaloud.providers.families.kind import Kind, On
from thinkaloud.providers.families.table import KINDS, UNKNOWN
from thinkaloud.providers.hosts.host import DialectName, Host
from thinkaloud.providers.hosts.table import HOSTS
from thinkaloud.providers.target import Family


class Wire(msgspec.Struct, frozen=True):
    """What a page says of a dialect."""

    shown: str
    switch: str
    back: str
    recordings: int
    """Streams that real providers sent and that its decoder is tested with."""


WIRES: Final[dict[DialectName, Wire]] = {
    "openai-chat": Wire(
        "text in `reasoning_content`, `reasoning`, `reasoning_text`, `reasoning_details`, `thinking_blocks`, content"
        " chunks, inline tags or harmony;"
        " OpenAI's own models only a count",
        "`reasoning_effort`, or the host's own members",
        "the message as it came: its reasoning field, merged details, blocks or chunks with their signatures,"
        " `reasoning_opaque`; inline tags where a host wants them",
        61,
    ),
    "openai-responses": Wire(
        "summaries, or text where the host sends it; else a count",
        "`reasoning.effort`",
        "the output items with their encrypted reasoning, each before what it led to",
        31,
    ),
    "anthropic-messages": Wire(
        "thinking blocks, as text or summary; redacted ones are kept unread",
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

A model's id is `host/model`. A **host** is somebody who serves models; a **dialect** is the wire that it speaks; a
**family** says what a model can do, wherever it is served. The key of a host stands in the environment; a host that
is found there needs no configuration. Any other server that speaks a dialect is a table of its own:

```toml
[hosts.lab]
dialect = "openai-chat"
base_url = "http://127.0.0.1:9000/v1"    # what the official client of the wire takes
api_key_env = "LAB_API_KEY"              # leave it out where no key is needed
models = ["qwen3-8b"]                    # leave it out and the host is asked
```

A table may also change a known host: another `base_url`, or another of the dialects that it speaks
(`[hosts.openai] dialect = "openai-chat"`). `thinkaloud models --probe` asks a host what it does.

## Effort

`reasoning_effort` is `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, or a number of tokens where a budget
can be named. A level is offered only where the request differs by it, and `none` only where nothing is generated then;
any other is refused with the list of those that the model has. A server's default that a model does not know is left
out for it.

## When a host refuses a part of a request

Some hosts refuse requests that carry tools, pictures, a system prompt, reasoning of earlier turns, or a parameter that
they do not know. The call is then made again without that part, each part at most once and only while nothing is
visible yet, with a [notice](errors.md#notices):

| refused | the request is made again |
|---|---|
| tools | without them; calls and results of earlier turns become text |
| pictures | with a note in their place |
| the system prompt, or its role | with the prompt in the first message, or as `system` |
| reasoning of earlier turns | without it |
| tool calls without reasoning | with a thought before each, blank where there was none |
| a signature, an encrypted item | without the opaque blocks |
| a reasoning effort | without one: the host decides |
| an output limit | under its other name (`max_completion_tokens`), or with a lower one |
| any other member of the body | without it |

What succeeded is remembered for that model of that host until the server stops; an effort only for that level, and a
signature only for that conversation, unless the next conversation's is refused too. A picture or an effort that was
asked for and cannot be used is told with every message. To leave a part out for good, set the host's
[quirks](#quirks).

## Dialects

*Recordings* counts the streams of real providers that a decoder is tested with; they lie beside the project, not in it.

| dialect | what is shown of reasoning | how it is switched | what goes back | recordings |
|---|---|---|---|---|
"""

_HOSTS: Final = """
## Hosts

An unconfigured server uses the first of these whose key it finds, then the first local server that answers.

| host | name | dialects (the first unless told otherwise) | base URL | key |
|---|---|---|---|---|
"""

_FAMILIES: Final = """
## Families

What a model can do where its maker serves it, and where that differs. A gateway (OpenRouter, Vercel) takes every level
and translates it itself. The first family whose names match decides; a model that none names is taken to reason, to
take the common levels, and to see pictures.

| family | reasons | shows | efforts | budget | images | context | elsewhere |
|---|---|---|---|---|---|---|---|
"""

_QUIRKS: Final = """
## Quirks

Where a host differs from its dialect, `quirks` of its table says so (`[hosts.lab.quirks]`). What the operator writes
lies over what we know of the family, which lies over what we know of the host; each member stands as a whole.
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
            *(_family(kind.family, _elsewhere(kind)) for kind in KINDS),
            _family(UNKNOWN, ""),
            _QUIRKS,
            *(_quirks(name) for name in get_args(DialectName)),
        )
    )


def _wire(name: str, wire: Wire) -> str:
    return f"| `{name}` | {wire.shown} | {wire.switch} | {wire.back} | {wire.recordings} |\n"


def _host(host: Host) -> str:
    dialects = ", ".join(f"`{name}`" for name in (host.dialect, *host.also))
    address = host.base_url
    for blank in host.blanks:
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


def _elsewhere(kind: Kind) -> str:
    return "; ".join(filter(None, (_difference(rule) for rule in kind.on)))


def _difference(rule: On) -> str:
    said: list[str] = []
    if rule.reasons is not None:
        said.append(f"reasons {rule.reasons}")
    if rule.shows is not None:
        said.append(f"shows {rule.shows}")
    if rule.efforts is not None:
        said.append(", ".join(rule.efforts) or "no efforts")
    if not said:
        return ""
    place = ", ".join(rule.hosts) or f"`{rule.dialect}`"
    return f"{'template hosts' if rule.templates else place}: {', '.join(said)}"


def _quirks(name: DialectName) -> str:
    module = importlib.import_module(
        f"thinkaloud.providers.dialects.{name.replace('-', '_')}.quirks"
    )
    kind = cast("type[msgspec.Struct]", module.Quirks)
    rows = "".join(_rows(kind, ""))
    head = "| member | what it is | allowed | default |\n|---|---|---|---|\n"
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
    return "list of pairs of text" if pairs else in_words(kind)


def _default(field: Described) -> str:
    if field.default is None:
        return "not set"
    return f"`{cell(json.dumps(msgspec.to_builtins(field.default), ensure_ascii=False))}`"
