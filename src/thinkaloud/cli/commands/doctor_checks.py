"""What `thinkaloud doctor` finds out: configuration, hosts, the model, the port, the data."""

import asyncio
import platform
import socket
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from thinkaloud.app.discovery import configured_hosts, discover
from thinkaloud.app.storage import database_path
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError, ProviderError, ThinkaloudError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.catalogue import ConfiguredHost, ConfiguredModels
from thinkaloud.providers.client import Sessions
from thinkaloud.providers.demo import DemoModel
from thinkaloud.server.connections.unix_socket import PREFIX, unix_socket
from thinkaloud.server.settings import ServerSettings
from thinkaloud.stores.sqlite import obstacle
from thinkaloud.version import __version__

_ASKING_SECONDS: Final = 10.0
_DEMO_ADVICE: Final = (
    "Connect a model: set an API key in the environment ({keys}), start a local model server"
    " ({local}), or add a [hosts.NAME] table with `dialect` and `base_url` to thinkaloud.toml."
)


class HostReport(msgspec.Struct, frozen=True):
    """A host that was asked, or could be."""

    name: str
    title: str
    base_url: str
    """Without any user name or password that stands in it."""
    state: Literal["ready", "no_key", "refused", "unreachable", "not_running"]
    """`not_running` is said of a local server that nobody configured."""
    key: Literal["found", "missing", "not_needed"]
    key_variables: tuple[str, ...] = ()
    """Where the key is looked for; its value is never shown."""
    models: int | None = None
    """How many models it lists; None where it was not asked."""
    configured: bool = False
    """Whether the configuration or the environment asks for this host."""
    detail: str = ""


class Report(msgspec.Struct, frozen=True):
    """Everything that was found."""

    version: str
    python: str
    config_file: str | None
    data_dir: str
    workspace: str | None
    url: str
    """Where `thinkaloud serve` would listen."""
    port_free: bool
    model: str | None
    """What runs get that name no model; None where that cannot work."""
    demo: bool
    hosts: tuple[HostReport, ...]
    problems: tuple[str, ...]
    """What does not work, each with what to do about it."""
    advice: tuple[str, ...]
    """What could be better."""


async def run_checks(configuration: Configuration) -> Report:
    """Find out how things stand. Asks hosts that have a key or are configured, and loopback.

    Raises `ConfigurationError` where a host's table is incomplete.
    """
    sessions = Sessions()
    try:
        hosts = configured_hosts(configuration)
        clock = SystemClock()
        models = ConfiguredModels(hosts, [DemoModel(clock)], DemoModel.ID, sessions, clock)
        reports = tuple(await asyncio.gather(*(_host(models, host) for host in hosts)))
        chosen, fault = await _model(configuration, models)
    finally:
        await sessions.close()
    server = configuration.settings.server
    free, port_fault = _port(server)
    data_fault = await asyncio.to_thread(_data, configuration)
    workspace_fault = _workspace(configuration)
    faults = (fault, port_fault, data_fault, workspace_fault, *map(_host_problem, reports))
    demo = chosen == DemoModel.ID
    return Report(
        version=__version__,
        python=platform.python_version(),
        config_file=str(configuration.file) if configuration.file else None,
        data_dir=str(configuration.data_dir),
        workspace=server.workspace,
        url=_url(server),
        port_free=free,
        model=chosen,
        demo=demo,
        hosts=reports,
        problems=tuple(fault for fault in faults if fault),
        advice=_advice(configuration, hosts, demo=demo),
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
    if configured.lacks is not None or not (configured.offered or host.local):
        lacking = (configured.lacks,) if configured.lacks else host.key_env
        return msgspec.structs.replace(report, key="missing", key_variables=lacking)
    try:
        async with asyncio.timeout(_ASKING_SECONDS):
            listed = await models.ask(host.name)
    except (ProviderError, TimeoutError) as error:
        refused = isinstance(error, ProviderError) and error.status is not None
        state = "refused" if refused else "unreachable" if configured.offered else "not_running"
        detail = error.message if isinstance(error, ProviderError) else "It did not answer in time."
        return msgspec.structs.replace(report, state=state, detail=detail)
    return msgspec.structs.replace(report, state="ready", models=len(listed))


async def _model(
    configuration: Configuration, models: ConfiguredModels
) -> tuple[str | None, str | None]:
    """Return the model that would be used, and what is wrong with it."""
    default = configuration.settings.model.default
    if default is None:
        return await discover(models, DemoModel.ID), None
    try:
        return models.open(default).info.id, None
    except ThinkaloudError as error:
        return None, f"The default model cannot be used: {error.message}"


def _host_problem(report: HostReport) -> str | None:
    if not report.configured or report.state == "ready":
        return None
    if report.state == "no_key":
        return f"{report.title} needs a key: set {_names(report.key_variables)}."
    what = "refused" if report.state == "refused" else "could not be reached"
    todo = (
        "check the key and the base_url"
        if report.state == "refused"
        else "check that it runs, and its base_url"
    )
    return f"{report.title} {what}: {todo}. {report.detail}"


def _port(server: ServerSettings) -> tuple[bool, str | None]:
    """Return whether the port or socket could be listened on, and what is wrong where it could not."""
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
            f"{host} port {port} cannot be listened on ({getattr(error, 'strerror', None) or error}): end what"
            " uses it (a running thinkaloud, perhaps), or take another with --port."
        )
    return True, None


def _data(configuration: Configuration) -> str | None:
    if configuration.settings.store.kind == "memory":
        return None
    return obstacle(database_path(configuration))


def _workspace(configuration: Configuration) -> str | None:
    folder = configuration.settings.server.workspace
    if folder is None or Path(folder).expanduser().is_dir():
        return None
    return f"There is no folder {folder}: make it, or change `workspace` under [server]."


def _advice(
    configuration: Configuration, hosts: list[ConfiguredHost], *, demo: bool
) -> tuple[str, ...]:
    advice = list(configuration.notices)
    if demo:
        keys = [each.host.key_env[0] for each in hosts if each.host.key_required][:3]
        keys.append("that of another provider")
        local = [each.host.title for each in hosts if each.host.local]
        advice.append(_DEMO_ADVICE.format(keys=_names(tuple(keys)), local=_names(tuple(local))))
    if configuration.settings.server.workspace is None:
        advice.append("To let models list, read and search files, set `workspace` under [server].")
    return tuple(advice)


def _names(names: tuple[str, ...]) -> str:
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
