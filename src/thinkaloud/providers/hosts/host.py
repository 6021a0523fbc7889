"""A host as data."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

from thinkaloud.events.prompt import EffortLevel

BuiltInDialect = Literal[
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "google-generate",
    "google-interactions",
    "bedrock-converse",
    "cohere-chat",
    "ollama-chat",
]

BUILT_IN_DIALECTS: Final[tuple[BuiltInDialect, ...]] = get_args(BuiltInDialect)
"""The dialects that thinkaloud has; packages can add more (`dialects/registry.py`)."""

KeyStyle = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key"]
"""Which header carries the key. `bearer` is `Authorization: Bearer`."""

Credentials = Literal["key", "aws", "google", "azure"]
"""What lets a request in where there is no key: nothing, or a cloud's own library."""


KEY_STYLES: Final[dict[str, KeyStyle]] = {
    "anthropic-messages": "x-api-key",
    "google-generate": "x-goog-api-key",
    "google-interactions": "x-goog-api-key",
}
"""Where a server that is not known takes its key; on other wires it is `bearer`."""


class Wire(msgspec.Struct, frozen=True):
    """How a host speaks one more dialect beside its usual one."""

    base_url: str
    quirks: dict[str, object] = {}
    key_style: KeyStyle = "bearer"


class Blank(msgspec.Struct, frozen=True):
    """A part of an address that every operator has of their own, as `{name}` in it."""

    name: str
    env: tuple[str, ...]
    """Environment variables that may hold it, the first one set wins."""
    default: str | None = None
    base_urls: dict[str, str] = {}
    """The base URL for a value that has one of its own."""


class Host(msgspec.Struct, frozen=True):
    """Somebody who serves models."""

    name: str
    title: str
    """What people call it."""
    dialect: str
    base_url: str
    """The base URL you would give the official SDK."""
    key_env: tuple[str, ...] = ()
    """Environment variables that may hold the key, the first one set wins."""
    key_style: KeyStyle = "bearer"
    key_required: bool = True
    local: bool = False
    """A server on the user's own machine, looked for at its usual port."""
    default_model: str | None = None
    """What an unconfigured server uses where it finds this host's key."""
    quirks: dict[str, object] = {}
    """Where it differs from its dialect: fields of the dialect's quirks."""
    also: dict[str, Wire] = {}
    """What else it speaks, where the operator asks for it."""
    credentials: Credentials = "key"
    blanks: tuple[Blank, ...] = ()
    models: tuple[str, ...] = ()
    """What it serves, where it has no list to ask for."""
    gateway: tuple[EffortLevel, ...] = ()
    """The levels that it takes for every model that reasons, and translates itself."""
    templates: bool = False
    """Whether it runs open weights and takes `chat_template_kwargs`."""
    efforts: tuple[EffortLevel, ...] | None = None
    """The levels for models that the families do not know; None: the common ones."""
    like: str = ""
    """The known host whose rules hold for this one, where the operator gave it another name."""

    @property
    def profile(self) -> str:
        """The name by which rules for single hosts find it."""
        return self.like or self.name


def speaking(host: Host, dialect: str) -> Host:
    """Return a host as it speaks this dialect; without any quirks where we do not know it to."""
    if dialect == host.dialect:
        return host
    wire = host.also.get(dialect) or Wire(host.base_url, key_style=host.key_style)
    return msgspec.structs.replace(
        host,
        dialect=dialect,
        base_url=wire.base_url,
        quirks=wire.quirks,
        key_style=wire.key_style,
    )


def filled(host: Host, environment: Mapping[str, str]) -> tuple[Host, str | None]:
    """Return a host with its blanks filled in from the environment, and what must still be set."""
    missing: list[str] = []
    for blank in host.blanks:
        mark = f"{{{blank.name}}}"
        if mark not in host.base_url and mark not in repr(host.quirks):
            continue
        found = [environment[name].strip() for name in blank.env if environment.get(name)]
        value = found[0] if found else blank.default
        if value is None:
            missing.append(blank.env[0])
            continue
        if mark in host.base_url:
            base_url = blank.base_urls.get(value, host.base_url).replace(mark, value.rstrip("/"))
            host = msgspec.structs.replace(host, base_url=base_url)
        quirks = {
            name: each.replace(mark, value) if isinstance(each, str) else each
            for name, each in host.quirks.items()
        }
        host = msgspec.structs.replace(host, quirks=quirks)
    return host, " and ".join(missing) or None
