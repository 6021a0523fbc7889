"""`thinkaloud channels add`: ask for what a platform needs, test it, and write the section."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from getpass import getpass
from pathlib import Path

import msgspec

from thinkaloud.app.channel_checks import check_channel
from thinkaloud.channels.platform.built_in import BUILT_IN, install_command, settings_type
from thinkaloud.channels.platform.sections import InvalidSetting, read_settings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.platform.setup import SETUP, accepts_text, secret_variables
from thinkaloud.cli.commands.channels.checking import print_reports, warnings
from thinkaloud.cli.commands.channels.config_text import Value, add_section
from thinkaloud.cli.commands.channels.sections import require_platform
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import ChannelOptions
from thinkaloud.config import FILE_NAME, Configuration
from thinkaloud.errors import ConfigurationError, InvalidRequest


async def add(configuration: Configuration, options: ChannelOptions) -> ExitCode:
    """Add a channel to the configuration file.

    Raises `InvalidRequest` if something is missing and there is no terminal to ask, and `Conflict`
    if the file has the section already.
    """
    name = options.channel
    require_platform(name)
    kind = settings_type(name)
    interactive = sys.stdin.isatty() and not options.yes
    file = configuration.file or Path(FILE_NAME)
    text = file.read_text(encoding="utf-8") if configuration.file else ""
    add_section(text, name, {})  # Fails before anything is asked, if it would fail afterwards.
    _explain(name, interactive=interactive)
    values: dict[str, Value] = {"enabled": True, **_parse(kind, options.values)}
    if options.allow:
        values["allow_from"] = list(options.allow)
    _ask(name, values, interactive=interactive)
    settings = _settings(name, values)
    environment = _secrets(settings, configuration.environment, interactive=interactive)
    if options.test and not await _passes(configuration, name, settings, environment):
        if not interactive:
            print_notice("Nothing was written. Fix this, or pass --no-test.", "red")
            return ExitCode.FAILED
        if not _confirm("Write the section anyway?"):
            return ExitCode.FAILED
    write_file(file, add_section(text, name, values))
    print_notice(f"Added [channels.{name}] to {file}.", "green")
    for warning in warnings(name, settings, environment):
        print_notice(warning)
    _next_steps(name, settings, configuration.environment)
    return ExitCode.OK


def write_file(file: Path, text: str) -> None:
    """Replace a file at once, keeping its mode. Raises `InvalidRequest` if that fails."""
    target = file.resolve()
    try:
        descriptor, fresh = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
                opened.write(text)
            if target.exists():
                shutil.copymode(target, fresh)
            Path(fresh).replace(target)
        except OSError:
            with contextlib.suppress(OSError):
                Path(fresh).unlink()
            raise
    except OSError as error:
        raise InvalidRequest(f"Cannot write {file}: {error.strerror}.") from error


def _explain(name: str, *, interactive: bool) -> None:
    if not interactive:
        return
    setup = SETUP[name]
    print_notice(f"{setup.title}:", "bold")
    for number, step in enumerate(setup.steps, 1):
        print_notice(f"{number}. {step}", "")
    print_notice(
        f"Details: https://github.com/thinkaloud/thinkaloud/blob/main/docs/how-to/channels/{name}.md",
        "",
    )


def _parse(kind: type[PlatformSettings], given: Sequence[str]) -> Mapping[str, Value]:
    values: dict[str, Value] = {}
    for each in given:
        key, equals, text = each.partition("=")
        if not equals or not key.strip():
            raise InvalidRequest(f"--set takes KEY=VALUE, not {each!r}.")
        key = key.strip()
        if not accepts_text(kind, key) and text in {"true", "false"}:
            values[key] = text == "true"
        else:
            values[key] = text
    return values


def _ask(name: str, values: dict[str, Value], *, interactive: bool) -> None:
    """Add what is missing to the values."""
    setup = SETUP[name]
    missing = [key for key in setup.asks if key not in values]
    if missing and not interactive:
        needed = " ".join(f"--set {key}=…" for key in missing)
        raise InvalidRequest(f"{setup.title} needs {', '.join(missing)}. Pass: {needed}")
    for key in missing:
        answer = ""
        while not answer:
            answer = input(f"{key} ({setup.asks[key]}): ").strip()
        values[key] = answer
    if interactive and "allow_from" not in values:
        question = f"Who may use it ({setup.ids}, separated by commas; Enter: pair people later)? "
        if ids := [each.strip() for each in input(question).split(",") if each.strip()]:
            values["allow_from"] = ids


def _settings(name: str, values: Mapping[str, Value]) -> PlatformSettings:
    try:
        return read_settings(name, dict(values))
    except InvalidSetting as error:
        raise ConfigurationError(f"{error.key}: {error.message}") from error


def _secrets(
    settings: PlatformSettings, environment: Mapping[str, str], *, interactive: bool
) -> Mapping[str, str]:
    """Return the environment with the secrets that a person types in, for the test only."""
    found = dict(environment)
    if not interactive:
        return found
    for variable in secret_variables(settings).values():
        if not found.get(variable):
            print_notice(f"The environment variable {variable} is not set.")
            if value := getpass(f"{variable}, for this test only (Enter: skip): ").strip():
                found[variable] = value
    return found


async def _passes(
    configuration: Configuration,
    name: str,
    settings: PlatformSettings,
    environment: Mapping[str, str],
) -> bool:
    built_in = BUILT_IN[name]
    if not await asyncio.to_thread(built_in.is_installed):
        print_notice(
            f"{built_in.library} is not installed. Run: {install_command(built_in.extra)}", "red"
        )
        return False
    if name == "wechat" and not environment.get(secret_variables(settings).get("token_env", "")):
        return True  # The login comes afterwards.
    with_secrets = msgspec.structs.replace(configuration, environment=environment)
    report = await check_channel(with_secrets, name, settings)
    print_reports([report])
    return report.ok


def _confirm(question: str) -> bool:
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def _next_steps(name: str, settings: PlatformSettings, environment: Mapping[str, str]) -> None:
    unset = [each for each in secret_variables(settings).values() if not environment.get(each)]
    if name == "wechat":
        print_notice("Next: thinkaloud channels login wechat", wrap=False)
    elif unset:
        print_notice(f"Set {' and '.join(unset)} in the environment of the server.")
    print_notice(
        "Start or restart the server: thinkaloud serve. It answers the people in allow_from."
        if settings.allow_from
        else "Start or restart the server: thinkaloud serve. Then write to the bot: it replies with"
        " a code for `thinkaloud channels pair CODE`."
        if settings.pairing
        else "Start or restart the server: thinkaloud serve."
    )
