"""Configured hosts, and the default model if none is configured."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import msgspec

from thinkaloud.app.redaction import hides_any_reasoning
from thinkaloud.config import Configuration, HostSection
from thinkaloud.errors import ConfigurationError, ProviderError
from thinkaloud.providers.catalogue import ConfiguredHost, ConfiguredModels
from thinkaloud.providers.hosts.host import KEY_STYLES, Host, fill_placeholders, with_dialect
from thinkaloud.providers.hosts.table import HOSTS, host_at, host_names, load_host

_LOCAL_SECONDS: Final = 2.0
_LIST_SECONDS: Final = 15.0
_DIALECT_HOSTS: Final[dict[str, str]] = {
    "bedrock-converse": "bedrock",
    "cohere-chat": "cohere",
    "ollama-chat": "ollama",
}
"""The vendor of a dialect that has only one; its rules apply to every server with that dialect."""


def configured_hosts(configuration: Configuration) -> list[ConfiguredHost]:
    """Return every built-in host and every `[hosts.NAME]`, with the keys in the environment.

    Raises `ConfigurationError` if a host of the user's own has no dialect or base URL, or if the
    package of a host in the configuration is broken.
    """
    sections = configuration.settings.hosts
    names = dict.fromkeys([*sections, *HOSTS])
    return [_configured(name, configuration) for name in names]


def package_hosts(configuration: Configuration) -> dict[str, Callable[[], ConfiguredHost]]:
    """Return functions that load the hosts of other packages that no `[hosts.NAME]` names."""
    loaded = {*configuration.settings.hosts, *HOSTS}
    names = [name for name in host_names() if name not in loaded]
    return {name: partial(_configured, name, configuration) for name in names}


def _configured(name: str, configuration: Configuration) -> ConfiguredHost:
    section = configuration.settings.hosts.get(name)
    environment = configuration.environment
    withholds = hides_any_reasoning(configuration)
    known = load_host(name)
    if section is None and known is not None:
        host, needs = fill_placeholders(known, environment)
        key = _first(environment.get(variable) for variable in host.key_env)
        offered = key is not None and needs is None
        return ConfiguredHost(
            host,
            key,
            offered=offered,
            needs=needs,
            environment=_environment_for(host, environment),
            withholds_reasoning=withholds,
        )
    section = section or HostSection()
    if section.base_url is not None:
        _check_url(name, section.base_url, configuration)
    host = _custom(name, section, configuration) if known is None else _overridden(known, section)
    host, needs = fill_placeholders(host, environment)
    key = _first(environment.get(variable) for variable in host.key_env)
    return ConfiguredHost(
        host,
        key,
        section.models,
        section.headers,
        offered=True,
        quirks=section.quirks,
        needs=needs,
        environment=_environment_for(host, environment),
        withholds_reasoning=withholds,
    )


def _check_url(name: str, base_url: str, configuration: Configuration) -> None:
    """Raise `ConfigurationError` if a base URL is invalid."""
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        place = configuration.file or "the environment"
        raise ConfigurationError(
            f"{place}: hosts.{name}.base_url is not a valid URL: use the http:// or https:// base"
            " URL you would give the official SDK."
        )


def _overridden(known: Host, section: HostSection) -> Host:
    """Return a built-in host with the overrides from the configuration."""
    host = with_dialect(known, section.dialect or known.dialect)
    return msgspec.structs.replace(
        host,
        base_url=(section.base_url or host.base_url).rstrip("/"),
        key_env=(section.api_key_env,) if section.api_key_env else host.key_env,
        key_required=host.key_required or section.api_key_env is not None,
    )


def _custom(name: str, section: HostSection, configuration: Configuration) -> Host:
    """Return a custom host, based on the built-in one with the same address if there is one."""
    if section.dialect is None or section.base_url is None:
        missing = "dialect" if section.dialect is None else "base_url"
        place = configuration.file or "the environment"
        raise ConfigurationError(
            f"{place}: hosts.{name}.{missing} is missing. It is required because {name} is not"
            f" a known host ({', '.join(host_names())})."
        )
    there = host_at(section.base_url)
    like = there or HOSTS.get(_DIALECT_HOSTS.get(section.dialect, ""))
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
        host = with_dialect(like, section.dialect)
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


def _environment_for(host: Host, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment if a cloud SDK needs it for credentials, otherwise nothing."""
    return {} if host.credentials == "key" else environment


async def discover(models: ConfiguredModels, demo: str) -> str:
    """Return the id of the default model: from a host with a key, a local server, or the demo.

    Configured hosts come first, then the built-in ones, then those of packages. Local servers are
    probed at their usual loopback ports; the first one that lists a model is offered from then on.
    """
    hosts = list(models.hosts.values())
    model = await _first_offered(models, hosts)
    if model is None:
        await asyncio.to_thread(models.load_packages)
        model = await _first_offered(models, list(models.hosts.values())[len(hosts) :])
    if model is not None:
        return model
    local = [c for c in models.hosts.values() if c.host.local and not c.offered]
    found = await asyncio.gather(*(_first_model(models, configured) for configured in local))
    for configured, model in zip(local, found, strict=True):
        if model is not None:
            models.list_host(configured.host.name)
            return model
    return demo


async def _first_offered(models: ConfiguredModels, hosts: Iterable[ConfiguredHost]) -> str | None:
    for configured in hosts:
        if configured.offered:
            model = await _first_model(models, configured)
            if model is not None:
                return model
    return None


async def _first_model(models: ConfiguredModels, configured: ConfiguredHost) -> str | None:
    host = configured.host
    name = configured.models[0] if configured.models else host.default_model
    if name is None:
        try:
            seconds = _LOCAL_SECONDS if host.local else _LIST_SECONDS
            listed = await models.ask(host.name, seconds=seconds)
        except ProviderError:
            return None
        name = listed[0].name if listed else None
    return None if name is None else f"{host.name}/{name}"


def _first(values: Iterable[str | None]) -> str | None:
    return next((value.strip() for value in values if value and value.strip()), None)
