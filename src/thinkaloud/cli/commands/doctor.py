"""`thinkaloud doctor`: check the configuration, the hosts and the data, and suggest fixes."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from thinkaloud.app.channel_checks import ChannelReport
from thinkaloud.app.server_address import API_KEY
from thinkaloud.cli.commands.doctor_checks import HostReport, Report, run_checks
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import DoctorOptions
from thinkaloud.cli.ui.sanitize import json_document, sanitize
from thinkaloud.config import load

_GOOD: Final = ("✓", "green")
_BAD: Final = ("✗", "red")
_NEUTRAL: Final = ("·", "dim")


def run(options: DoctorOptions) -> ExitCode:
    """Print the report. Returns `FAILED` if there are problems.

    Raises `ConfigurationError` if the configuration cannot be loaded.
    """
    if options.url is not None:
        key = load(options.config).environment.get(API_KEY)
        return _check_url(options.url, key, json=options.json)
    report = asyncio.run(run_checks(load(options.config)))
    if options.json:
        sys.stdout.write(json_document(report))
    else:
        _print(_lines(report))
    return ExitCode.FAILED if report.problems else ExitCode.OK


def _check_url(url: str, key: str | None, *, json: bool) -> ExitCode:
    # Imports aiohttp, which the other checks may not need.
    from thinkaloud.cli.commands.stream_check import (  # noqa: PLC0415
        check_stream,
        stream_check_lines,
    )

    report = asyncio.run(check_stream(url, key))
    if json:
        sys.stdout.write(json_document(report))
    else:
        _print(stream_check_lines(report))
    return ExitCode.OK if report.verdict == "live" else ExitCode.FAILED


def _print(lines: Iterable[Text]) -> None:
    """Print lines: wrapped at words on a terminal, unwrapped in a pipe."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=not console.is_terminal)


def _lines(report: Report) -> Iterator[Text]:
    yield Text(f"thinkaloud {report.version}, Python {report.python}", style="bold")
    file = report.config_file or "no file; using defaults and the environment"
    yield _row(_NEUTRAL, "Configuration", file)
    yield _row(_NEUTRAL, "Data", report.data_dir)
    yield _row(_NEUTRAL, "Workspace", report.workspace or "none")
    yield _row(*_server(report))
    yield _row(*_model(report))
    yield Text()
    yield Text("Hosts", style="bold")
    unused = [host for host in report.hosts if host.state == "no_key" and not host.configured]
    for host in report.hosts:
        if host not in unused:
            yield _host(host)
    if unused:
        names = ", ".join(
            f"{host.title} ({host.key_variables[0]})" for host in unused if host.key_variables
        )
        yield _row(_NEUTRAL, "No API key", names)
    if report.channels:
        yield Text()
        yield Text("Channels", style="bold")
        yield from map(_channel, report.channels)
    for title, entries, style in (
        ("Problems", report.problems, "red"),
        ("Suggestions", report.advice, "yellow"),
    ):
        if entries:
            yield Text()
            yield Text(title, style="bold")
            for entry in entries:
                yield Text("- ", style=style) + Text(sanitize(entry))
    if not report.problems:
        yield Text()
        yield Text("No problems found.", style="green")


def _server(report: Report) -> tuple[tuple[str, str], str, str]:
    if report.running is not None:
        return _GOOD, "Server", f"{report.running} (running)"
    if report.port_free:
        return _GOOD, "Server", f"{report.url} (available)"
    return _BAD, "Server", f"{report.url} (not available)"


def _model(report: Report) -> tuple[tuple[str, str], str, str]:
    if report.model is None:
        return _BAD, "Model", "none available"
    if report.demo:
        return ("!", "yellow"), "Model", f"{report.model}, the built-in demo model: NOT AN AI"
    return _GOOD, "Model", report.model


def _channel(report: ChannelReport) -> Text:
    found = [f"{check.name}: {check.detail}" for check in report.checks]
    return _row(_GOOD if report.ok else _BAD, report.name, "; ".join(found))


def _host(host: HostReport) -> Text:
    variables = " or ".join(host.key_variables)
    key = {
        "found": "API key found",
        "missing": f"no API key ({variables})",
        "not_needed": "no API key needed",
    }[host.key]
    state = {
        "ready": f"reachable, {host.models} model{'s' * (host.models != 1)}",
        "no_key": "not checked",
        "refused": "request rejected",
        "unreachable": "unreachable",
        "not_running": "not running",
    }[host.state]
    mark = _GOOD if host.state == "ready" else _BAD if host.configured else _NEUTRAL
    return _row(mark, host.title, f"{key}; {state}; {host.base_url}")


def _row(mark: tuple[str, str], name: str, value: str) -> Text:
    sign, style = mark
    return Text.assemble((f"{sign} ", style), (f"{sanitize(name):<14} ", "bold"), sanitize(value))
