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
"""The built-in dialects; packages can add more (`dialects/registry.py`)."""

KeyStyle = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key"]
"""Which header carries the key. `bearer` is `Authorization: Bearer`."""

Credentials = Literal["key", "aws", "google", "azure"]
"""How requests authenticate if there is no key: not at all, or with a cloud's own library."""


KEY_STYLES: Final[dict[str, KeyStyle]] = {
    "anthropic-messages": "x-api-key",
    "google-generate": "x-goog-api-key",
    "google-interactions": "x-goog-api-key",
}
"""How an unknown server takes its key, by dialect; `bearer` for dialects not listed."""


class Wire(msgspec.Struct, frozen=True):
    """How a host supports an additional dialect."""

    base_url: str
    quirks: dict[str, object] = {}
    key_style: KeyStyle = "bearer"


class Placeholder(msgspec.Struct, frozen=True):
    """A placeholder in an address, written `{name}`, whose value depends on the operator."""

    name: str
    env: tuple[str, ...]
    """Environment variables that may hold the value; the first one set wins."""
    default: str | None = None
    base_urls: dict[str, str] = {}
    """Base URLs for values that need a different one."""


class Host(msgspec.Struct, frozen=True):
    """A service that serves models."""

    name: str
    title: str
    """The display name."""
    dialect: str
    base_url: str
    """The base URL you would pass to the official SDK."""
    key_env: tuple[str, ...] = ()
    """Environment variables that may hold the key; the first one set wins."""
    key_style: KeyStyle = "bearer"
    key_required: bool = True
    local: bool = False
    """Whether it is a server on the user's own machine, searched for at its usual port."""
    default_model: str | None = None
    """The model that an unconfigured server uses if it finds this host's key."""
    quirks: dict[str, object] = {}
    """How it differs from its dialect: fields of the dialect's quirks."""
    also: dict[str, Wire] = {}
    """Other dialects it supports, used if the operator selects one."""
    credentials: Credentials = "key"
    placeholders: tuple[Placeholder, ...] = ()
    models: tuple[str, ...] = ()
    """The models it serves, if it has no endpoint that lists them."""
    gateway: tuple[EffortLevel, ...] = ()
    """The levels that it accepts for every reasoning model and translates itself."""
    templates: bool = False
    """Whether it runs open weights and accepts `chat_template_kwargs`."""
    efforts: tuple[EffortLevel, ...] | None = None
    """The levels for models of unknown families; None: the common ones."""
    like: str = ""
    """The known host whose rules apply, if the operator configured it under another name."""

    @property
    def profile(self) -> str:
        """The name used to match host-specific rules."""
        return self.like or self.name


def with_dialect(host: Host, dialect: str) -> Host:
    """Return a host switched to this dialect; without quirks if it is not known to support it."""
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


def fill_placeholders(host: Host, environment: Mapping[str, str]) -> tuple[Host, str | None]:
    """Return a host with its blanks filled from the environment, and the variables missing."""
    missing: list[str] = []
    for blank in host.placeholders:
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
