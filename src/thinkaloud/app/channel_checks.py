"""Checks the configured chat platforms, for `thinkaloud doctor` and `thinkaloud channels test`."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from thinkaloud.app.chat_platforms import channel_folder, open_channel_state, opener
from thinkaloud.channels.platform.built_in import BUILT_IN, BuiltIn
from thinkaloud.channels.platform.engine.channel import ChannelStorage
from thinkaloud.channels.platform.engine.connection import LatePace
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.platform import Check, Platform, PlatformContext
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.platform.setup import SETUP, impossible_ids
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import SystemClock

_SECONDS: Final = 30.0


class ChannelReport(msgspec.Struct, frozen=True):
    """The result of checking a chat platform. No secrets."""

    name: str
    ok: bool
    checks: tuple[Check, ...]


async def check_channels(
    configuration: Configuration,
    names: Sequence[str] | None = None,
    table: Mapping[str, BuiltIn] = BUILT_IN,
) -> Sequence[ChannelReport]:
    """Check the enabled chat platforms, or those with these names, at the same time.

    Contacts the platforms, and works while the server runs.
    """
    sections = configuration.settings.channels.platforms
    wanted = [
        name
        for name, section in sections.items()
        if (section.enabled if names is None else name in names)
    ]
    checking = (check_channel(configuration, name, sections[name], table) for name in wanted)
    return await asyncio.gather(*checking)


@asynccontextmanager
async def open_platform(
    configuration: Configuration,
    name: str,
    settings: PlatformSettings,
    table: Mapping[str, BuiltIn] = BUILT_IN,
) -> AsyncGenerator[Platform]:
    """Open a platform without receiving. Raises `ConfigurationError` or `PlatformError`."""
    async with open_channel_state(configuration) as state:
        context = PlatformContext(
            name=name,
            environment=configuration.environment,
            clock=SystemClock(),
            pace=LatePace(),
            storage=ChannelStorage(name, state),
            folder=channel_folder(configuration, name),
        )
        platform = await opener(settings, table)(context)
        try:
            yield platform
        finally:
            await platform.close()


async def check_channel(
    configuration: Configuration,
    name: str,
    settings: PlatformSettings,
    table: Mapping[str, BuiltIn] = BUILT_IN,
) -> ChannelReport:
    """Check a platform. A failure is a check that failed, and isn't raised."""
    checks: Sequence[Check]
    try:
        async with (
            asyncio.timeout(_SECONDS),
            open_platform(configuration, name, settings, table) as platform,
        ):
            checks = await platform.check()
    except TimeoutError:
        checks = [Check("connection", ok=False, detail=f"No response within {_SECONDS:g} seconds.")]
    except (ConfigurationError, PlatformError) as error:
        checks = [Check("start", ok=False, detail=error.message)]
    except Exception as error:  # noqa: BLE001 - a platform's library may raise anything
        # The message may have a token, so only its type is reported.
        checks = [Check("start", ok=False, detail=f"It failed ({type(error).__name__}).")]
    checks = [*checks, *_ids(name, settings)]
    return ChannelReport(name, all(check.ok for check in checks), tuple(checks))


def _ids(name: str, settings: PlatformSettings) -> Sequence[Check]:
    """A failed check if `allow_from` has user names in place of ids: they would let nobody in."""
    wrong = impossible_ids(name, settings)
    if not wrong:
        return ()
    detail = (
        f"{', '.join(wrong)} can never match: {SETUP[name].title} has {SETUP[name].ids}. If you"
        " don't know the id, leave it out, write to the bot, and approve the code that it sends."
    )
    return [Check("allow_from", ok=False, detail=detail)]
