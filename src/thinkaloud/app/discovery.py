"""Which model a server uses that was told of none."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from thinkaloud.config import Configuration, HostSection
from thinkaloud.errors import ConfigurationError, ProviderError
from thinkaloud.providers.catalogue import ConfiguredHost, ConfiguredModels
from thinkaloud.providers.hosts.host import KEY_STYLES, DialectName, Host, filled, speaking
from thinkaloud.providers.hosts.table import HOSTS, host_at

_LOCAL_SECONDS: Final = 2.0
_LISTING_SECONDS: Final = 15.0
_KIN: Final[dict[DialectName, str]] = {
    "bedrock-converse": "bedrock",
    "cohere-chat": "cohere",
    "ollama-chat": "ollama",
}
"""Dialects that one host alone made, so that its rules hold for every server that speaks it."""


def configured_hosts(configuration: Configuration) -> list[ConfiguredHost]:
    """Return every known host and every `[hosts.NAME]`, with the keys that the environment has.

    Raises `ConfigurationError` where a host of the user's own lacks its dialect or base URL.
    """
    sections = configuration.settings.hosts
    names = dict.fromkeys([*sections, *HOSTS])
    return [_configured(name, configuration) for name in names]


def _configured(name: str, configuration: Configuration) -> ConfiguredHost:
    section = configuration.settings.hosts.get(name)
    environment = configuration.environment
    withholds = configuration.settings.server.show_reasoning == "deny"
    if section is None:
        host, needs = filled(HOSTS[name], environment)
        key = _first(environment.get(variable) for variable in host.key_env)
        offered = key is not None and needs is None
        return ConfiguredHost(
            host,
            key,
            offered=offered,
            needs=needs,
            environment=_seen(host, environment),
            withholds_reasoning=withholds,
        )
    if section.base_url is not None:
        _check(name, section.base_url, configuration)
    known = HOSTS.get(name)
    host = _own(name, section, configuration) if known is None else _changed(known, section)
    host, needs = filled(host, environment)
    key = _first(environment.get(variable) for variable in host.key_env)
    return ConfiguredHost(
        host,
        key,
        section.models,
        section.headers,
        offered=True,
        quirks=section.quirks,
        needs=needs,
        environment=_seen(host, environment),
        withholds_reasoning=withholds,
    )


def _check(name: str, base_url: str, configuration: Configuration) -> None:
    """Raise `ConfigurationError` where a base URL is none."""
    try:
        parts = urlsplit(base_url)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        place = configuration.file or "the environment"
        raise ConfigurationError(
            f"{place}: hosts.{name}.base_url is no URL. Allowed: http://… or https://…, as the"
            " official client of the wire takes it."
        )


def _changed(known: Host, section: HostSection) -> Host:
    """Return a known host with the operator's changes."""
    host = speaking(known, section.dialect or known.dialect)
    return msgspec.structs.replace(
        host,
        base_url=(section.base_url or host.base_url).rstrip("/"),
        key_env=(section.api_key_env,) if section.api_key_env else host.key_env,
        key_required=host.key_required or section.api_key_env is not None,
    )


def _own(name: str, section: HostSection, configuration: Configuration) -> Host:
    """Return a host of the operator's own, like the known one at its address, if there is one."""
    if section.dialect is None or section.base_url is None:
        missing = "dialect" if section.dialect is None else "base_url"
        place = configuration.file or "the environment"
        raise ConfigurationError(
            f"{place}: hosts.{name}.{missing} is missing: {name} is no known host"
            f" ({', '.join(HOSTS)})."
        )
    there = host_at(section.base_url)
    like = there or HOSTS.get(_KIN.get(section.dialect, ""))
    if like is None:
        host = Host(
            name,
            name,
            section.dialect,
            section.base_url,
            key_style=KEY_STYLES.get(section.dialect, "bearer"),
            templates=True,
        )
    else:
        host = speaking(like, section.dialect)
    return msgspec.structs.replace(
        host,
        name=name,
        title=name,
        like="" if like is None else like.name,
        base_url=section.base_url.rstrip("/"),
        key_env=(section.api_key_env,) if section.api_key_env else (),
        key_required=section.api_key_env is not None,
        local=False,
        default_model=None,
        models=(),
        credentials="key" if there is None else there.credentials,
    )


def _seen(host: Host, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment where a cloud's library needs it, else nothing."""
    return {} if host.credentials == "key" else environment


async def discover(models: ConfiguredModels, demo: str) -> str:
    """Return the id of the model to begin with: a host with a key, a local server, the demo.

    A configured host of the user's own comes before the known ones. Local servers are asked at
    their usual ports on loopback; the first that answers with a model is offered from then on.
    """
    for configured in models.hosts.values():
        if configured.offered:
            model = await _first_model(models, configured)
            if model is not None:
                return model
    local = [c for c in models.hosts.values() if c.host.local and not c.offered]
    found = await asyncio.gather(*(_first_model(models, configured) for configured in local))
    for configured, model in zip(local, found, strict=True):
        if model is not None:
            models.offer(configured.host.name)
            return model
    return demo


async def _first_model(models: ConfiguredModels, configured: ConfiguredHost) -> str | None:
    host = configured.host
    name = configured.models[0] if configured.models else host.default_model
    if name is None:
        try:
            seconds = _LOCAL_SECONDS if host.local else _LISTING_SECONDS
            listed = await models.ask(host.name, seconds=seconds)
        except ProviderError:
            return None
        name = listed[0].name if listed else None
    return None if name is None else f"{host.name}/{name}"


def _first(values: Iterable[str | None]) -> str | None:
    return next((value.strip() for value in values if value and value.strip()), None)
