"""`thinkaloud channels test`: check tokens, scopes and reachability without receiving."""

import asyncio
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from thinkaloud.app.channel_checks import ChannelReport, check_channel
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.platform.setup import secret_variables
from thinkaloud.cli.commands.channels.sections import platforms_of, section_of
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.ui.sanitize import json_document, sanitize
from thinkaloud.config import Configuration
from thinkaloud.errors import NotFound


async def test_channels(configuration: Configuration, name: str, *, json: bool) -> ExitCode:
    """Check one channel, or all that are enabled, and print what was found."""
    if name:
        chosen: Mapping[str, PlatformSettings] = {name: section_of(configuration, name)}
    else:
        sections = platforms_of(configuration)
        chosen = {each: section for each, section in sections.items() if section.enabled}
        if not chosen:
            raise NotFound("No chat platform is enabled. Run: thinkaloud channels add NAME")
    reports = await asyncio.gather(
        *(check_channel(configuration, each, section) for each, section in chosen.items())
    )
    if json:
        print(json_document(reports), end="")  # noqa: T201 - the output of the command
    else:
        print_reports(reports)
        for each, section in chosen.items():
            for warning in warnings(each, section, configuration.environment):
                print_notice(warning)
    return ExitCode.OK if all(report.ok for report in reports) else ExitCode.FAILED


def print_reports(reports: Sequence[ChannelReport]) -> None:
    """Print the checks, one line each."""
    console = Console(highlight=False)
    for report in reports:
        console.print(Text(report.name, style="bold"))
        for check in report.checks:
            sign = Text("✓ ", style="green") if check.ok else Text("✗ ", style="red")
            line = sign + Text(f"{check.name:<12} ", style="bold") + Text(sanitize(check.detail))
            console.print(line, soft_wrap=not console.is_terminal)


def warnings(
    name: str, settings: PlatformSettings, environment: Mapping[str, str]
) -> Sequence[str]:
    """Return what the operator should know about a section that is otherwise fine."""
    found: list[str] = []
    if settings.allows_reasoning and settings.group_thinking in {"live", "folded"}:
        found.append(
            f"{name}: group_thinking = {settings.group_thinking!r} shows reasoning to everybody in"
            " a group. Reasoning can quote what one person said in private."
        )
    if "*" in settings.allow_from:
        found.append(
            f'{name}: allow_from = ["*"] lets everybody who finds the bot use your models.'
        )
    if not settings.allow_from and not settings.pairing:
        found.append(
            f"{name}: nobody can use it: allow_from is empty, and pairing is off. List ids in"
            " allow_from, or set pairing = true."
        )
    found += [
        f"{name}: the environment variable {variable} has spaces around its value."
        for variable in secret_variables(settings).values()
        if (value := environment.get(variable, "")) != value.strip()
    ]
    return found
