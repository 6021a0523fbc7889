"""The checks of `thinkaloud doctor`: configuration, hosts, model, port and data."""

import asyncio
import platform
import socket
from functools import partial
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from thinkaloud.app.channel_checks import ChannelReport, check_channels
from thinkaloud.app.discovery import configured_hosts, discover, package_hosts
from thinkaloud.app.server_address import find_server
from thinkaloud.app.storage import database_path
from thinkaloud.cli.commands.channels.checking import warnings
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError, ProviderError, ThinkaloudError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers import entry_points
from thinkaloud.providers.catalogue import ConfiguredHost, ConfiguredModels
from thinkaloud.providers.client import Sessions
from thinkaloud.providers.demo import DemoModel
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.families.table import load_families
from thinkaloud.server.connections.unix_socket import PREFIX, unix_socket
from thinkaloud.server.settings import ServerSettings
from thinkaloud.stores.sqlite import obstacle
from thinkaloud.tools.mcp.checks import check_servers
from thinkaloud.tools.mcp.source import McpHost
from thinkaloud.version import __version__

_HOST_SECONDS: Final = 10.0
_DEMO_ADVICE: Final = (
    "To use a real model, set an API key in the environment ({keys}), start a local model server"
    " ({local}), or add a [hosts.NAME] table with `dialect` and `base_url` to thinkaloud.toml."
)


class HostReport(msgspec.Struct, frozen=True):
    """The result of checking a host."""

    name: str
    title: str
    base_url: str
    """Without user name and password."""
    state: Literal["ready", "no_key", "refused", "unreachable", "not_running"]
    """`not_running` means a local model server that is not configured."""
    key: Literal["found", "missing", "not_needed"]
    key_variables: tuple[str, ...] = ()
    """The environment variables for the API key; its value is never shown."""
    models: int | None = None
    """The number of models it lists; None if it was not checked."""
    configured: bool = False
    """Whether the configuration or an API key in the environment enables this host."""
    detail: str = ""


class Report(msgspec.Struct, frozen=True):
    """The results of all checks."""

    version: str
    python: str
    config_file: str | None
    data_dir: str
    workspace: str | None
    url: str
    """Where `thinkaloud serve` would listen."""
    port_free: bool
    running: str | None
    """The URL of the server that uses the data directory; None if there is none."""
    model: str | None
    """The default model; None if it cannot be used."""
    demo: bool
    hosts: tuple[HostReport, ...]
    channels: tuple[ChannelReport, ...]
    """The enabled chat platforms."""
    problems: tuple[str, ...]
    """Things that do not work, each with a fix."""
    advice: tuple[str, ...]
    """Suggestions."""


async def run_checks(configuration: Configuration) -> Report:
    """Run all checks. Contacts hosts that are configured or have an API key, and loopback ports.

    Raises `ConfigurationError` if a host's table is incomplete.
    """
    sessions = Sessions()
    try:
        hosts = configured_hosts(configuration)
        clock = SystemClock()
        packages = package_hosts(configuration)
        models = ConfiguredModels(
            hosts, [DemoModel(clock)], DemoModel.ID, sessions, clock, packages=packages
        )
        package_faults = await asyncio.to_thread(_packages, models)
        hosts = list(models.hosts.values())
        reports = tuple(await asyncio.gather(*(_host(models, host) for host in hosts)))
        chosen, fault = await _model(configuration, models)
    finally:
        await sessions.close()
    server = configuration.settings.server
    running = await _running(configuration)
    free, port_fault = _port(server)
    data_fault, data_advice = await _data(configuration)
    workspace_fault = _workspace(configuration)
    channels = tuple(await check_channels(configuration))
    faults = (
        *(fault, None if running else port_fault, data_fault, workspace_fault),
        *package_faults,
        *map(_host_problem, reports),
        *(problem for report in channels for problem in _channel_problems(report)),
        *(await _server_problems(configuration)),
    )
    demo = chosen == DemoModel.ID
    return Report(
        version=__version__,
        python=platform.python_version(),
        config_file=str(configuration.file) if configuration.file else None,
        data_dir=str(configuration.data_dir),
        workspace=server.workspace,
        url=_url(server),
        port_free=free,
        running=running,
        model=chosen,
        demo=demo,
        hosts=reports,
        channels=channels,
        problems=tuple(fault for fault in faults if fault),
        advice=(*_advice(configuration, hosts, demo=demo), *data_advice),
    )


async def _host(models: ConfiguredModels, configured: ConfiguredHost) -> HostReport:
    host = configured.host
    key = "found" if configured.key else "missing" if host.key_required else "not_needed"
    report = HostReport(
        host.name,
        host.title,
        _without_user(host.base_url),
        "no_key",
        key,
        host.key_env,
        configured=configured.offered,
    )
    if key == "missing":
        return report
    if configured.missing_setting is not None or not (configured.offered or host.local):
        lacking = (configured.missing_setting,) if configured.missing_setting else host.key_env
        return msgspec.structs.replace(report, key="missing", key_variables=lacking)
    try:
        async with asyncio.timeout(_HOST_SECONDS):
            listed = await models.ask(host.name)
    except (ProviderError, TimeoutError) as error:
        refused = isinstance(error, ProviderError) and error.status is not None
        state = "refused" if refused else "unreachable" if configured.offered else "not_running"
        detail = (
            error.message if isinstance(error, ProviderError) else "It did not respond in time."
        )
        return msgspec.structs.replace(report, state=state, detail=detail)
    return msgspec.structs.replace(report, state="ready", models=len(listed))


def _packages(models: ConfiguredModels) -> list[str]:
    """Load everything that packages add to the providers; return what is wrong with it."""
    faults = [error.message for error in models.load_packages()]
    dialects = entry_points.installed(entry_points.DIALECTS)
    families = entry_points.installed(entry_points.FAMILIES).values()
    checks = [partial(load_dialect, name) for name in dialects]
    for check in (*checks, *(partial(load_families, found) for found in families)):
        try:
            check()
        except ConfigurationError as error:
            faults.append(error.message)
    return faults


async def _model(
    configuration: Configuration, models: ConfiguredModels
) -> tuple[str | None, str | None]:
    """Return the default model's id, and the problem with it."""
    default = configuration.settings.model.default
    if default is None:
        return await discover(models, DemoModel.ID), None
    try:
        return models.open(default).info.id, None
    except ThinkaloudError as error:
        return None, f"Cannot use the default model: {error.message}"


def _host_problem(report: HostReport) -> str | None:
    if not report.configured or report.state == "ready":
        return None
    if report.state == "no_key":
        return f"{report.title} needs an API key: set {_names(report.key_variables)}."
    what = "rejected the request" if report.state == "refused" else "could not be reached"
    todo = (
        "check the API key and the base_url"
        if report.state == "refused"
        else "check that it is running, and its base_url"
    )
    return f"{report.title} {what}: {todo}. {report.detail}"


async def _running(configuration: Configuration) -> str | None:
    """Return the URL of the server that uses the data directory; None if there is none."""
    try:
        address = await find_server(configuration)
    except ThinkaloudError:
        return None
    return address.url if address else None


def _port(server: ServerSettings) -> tuple[bool, str | None]:
    """Return whether the server could listen on its port or socket, and the problem if not."""
    host, port = server.host, server.port
    if server.socket:
        try:
            with unix_socket(server.socket):
                return True, None
        except ConfigurationError as error:
            return False, error.message
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        return False, (
            f"Cannot listen on {host} port {port} ({getattr(error, 'strerror', None) or error}): stop the"
            " program that uses it (perhaps another thinkaloud), or choose another port with --port."
        )
    return True, None


async def _data(configuration: Configuration) -> tuple[str | None, tuple[str, ...]]:
    """Return why conversations cannot be stored, and suggestions."""
    kind = configuration.settings.store.kind
    if kind == "memory":
        return None, ()
    if kind == "sqlite":
        return await asyncio.to_thread(obstacle, database_path(configuration)), ()
    try:
        from thinkaloud.app.postgres import check_postgres  # noqa: PLC0415 - an extra

        found = await check_postgres(configuration)
    except ConfigurationError as error:
        return error.message, ()
    return found.problem, found.advice


def _workspace(configuration: Configuration) -> str | None:
    folder = configuration.settings.server.workspace
    if folder is None or Path(folder).expanduser().is_dir():
        return None
    return f"Folder not found: {folder}. Create it, or change `workspace` under [server]."


def _channel_problems(report: ChannelReport) -> list[str]:
    return [
        f"channels.{report.name}: {check.name}: {check.detail}"
        for check in report.checks
        if not check.ok
    ]


async def _server_problems(configuration: Configuration) -> list[str]:
    """Connect to the enabled MCP servers, and return what is wrong with them."""
    enabled = {name: each for name, each in configuration.settings.mcp.items() if each.enabled}
    host = McpHost(configuration.environment, configuration.data_dir, SystemClock())
    reports = await check_servers(enabled, host)
    return [
        f"mcp.{report.name}: {fault}"
        for report in reports
        for fault in (*((report.error,) if not report.ok else ()), *report.problems)
    ]


def _advice(
    configuration: Configuration, hosts: list[ConfiguredHost], *, demo: bool
) -> tuple[str, ...]:
    advice = list(configuration.notices)
    for name, section in configuration.settings.channels.platforms.items():
        if section.enabled:
            advice += warnings(name, section, configuration.environment)
    if demo:
        keys = [each.host.key_env[0] for each in hosts if each.host.key_required][:3]
        keys.append("another provider's")
        local = [each.host.title for each in hosts if each.host.local]
        advice.append(_DEMO_ADVICE.format(keys=_names(tuple(keys)), local=_names(tuple(local))))
    if configuration.settings.server.workspace is None:
        advice.append("To let models list, read and search files, set `workspace` under [server].")
    return tuple(advice)


def _names(names: tuple[str, ...]) -> str:
    if len(names) > 2:
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return " or ".join(names) or "api_key_env"


def _without_user(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _url(server: ServerSettings) -> str:
    if server.socket:
        return PREFIX + str(Path(server.socket).expanduser().absolute())
    return f"http://{_bracketed(server.host)}:{server.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
