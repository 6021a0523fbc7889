"""`thinkaloud channels login`: log in to a platform with a QR code."""

import asyncio
import io
import sys

from rich.console import Console
from rich.text import Text

from thinkaloud.app.channel_checks import open_platform
from thinkaloud.channels.platform.built_in import install_command
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.login import LoginPlatform
from thinkaloud.cli.commands.channels.sections import section_of
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.ui.sanitize import one_line, sanitize
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError, InvalidRequest, Unavailable


class TerminalScreen:
    """Shows a login in the terminal. Implements `LoginScreen`."""

    def show_code(self, url: str) -> None:
        """Print a QR code and its address."""
        print(qr_code(url), flush=True)  # noqa: T201 - the output of the command
        Console(highlight=False).print(Text(f"Or open: {sanitize(url)}"), soft_wrap=True)

    def report(self, text: str) -> None:
        """Print a line."""
        print_notice(one_line(text, 500))

    async def ask(self, question: str) -> str:
        """Ask on the terminal. Raises `InvalidRequest` if there is none."""
        if not sys.stdin.isatty():
            raise InvalidRequest(f"Cannot ask without a terminal: {one_line(question, 200)}")
        return (await asyncio.to_thread(input, f"{one_line(question, 200)} ")).strip()


def qr_code(text: str) -> str:
    """Draw a QR code with block characters, two modules a character, dark on light.

    Raises `ConfigurationError` if the library `qrcode` is missing.
    """
    try:
        from qrcode.main import QRCode  # noqa: PLC0415 - only for this command
    except ImportError as error:
        message = f"QR codes need a library. Run: {install_command('wechat')}"
        raise ConfigurationError(message) from error
    code = QRCode(border=2)
    code.add_data(text)
    drawn = io.StringIO()
    code.print_ascii(out=drawn, invert=True)
    return drawn.getvalue().rstrip("\n")


async def login(configuration: Configuration, name: str) -> ExitCode:
    """Log in to a platform, and keep its credentials in the data directory."""
    settings = section_of(configuration, name)
    if configuration.settings.store.kind == "memory":
        raise ConfigurationError(
            'With store.kind = "memory", a login cannot be kept: use a store that persists.'
        )
    try:
        async with open_platform(configuration, name, settings) as platform:
            if not isinstance(platform, LoginPlatform):
                raise InvalidRequest(
                    f"{name} has no login: its token comes from the environment."
                    f" Run: thinkaloud channels test {name}"
                )
            account = await platform.login(TerminalScreen())
    except PlatformError as error:
        raise Unavailable(f"The login failed: {error.message}") from error
    print_notice(f"Logged in to {name} as {one_line(account, 100)}.", "green")
    print_notice("If the server is running, restart it to use the new login.")
    return ExitCode.OK
