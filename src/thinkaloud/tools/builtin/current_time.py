"""The tool that returns the current time."""

import difflib
import functools
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from thinkaloud.errors import ToolError
from thinkaloud.ports.tool import Tool
from thinkaloud.tools.function import function_tool

Clock = Callable[[], float]
"""Returns the Unix time in seconds."""

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LONGEST_ZONE: Final = 64


class LocalTime(msgspec.Struct, frozen=True):
    """The local time in a time zone."""

    time: str
    """ISO 8601 with the offset from UTC, to the second."""
    weekday: str
    time_zone: str


@functools.cache
def _zones() -> dict[str, str]:
    return {"utc": "UTC"} | {name.casefold(): name for name in zoneinfo.available_timezones()}


def current_time_tool(clock: Clock) -> Tool:
    """Return the tool `current_time`, which reads this clock.

    Supports the time zones of the system's IANA database or the package `tzdata`.
    """

    def current_time(time_zone: str = "UTC") -> LocalTime:
        """Tell the current date, time and weekday.

        Args:
            time_zone: An IANA time zone such as "Europe/Berlin" or "America/New_York".
        """
        name = _zone(time_zone)
        zone = UTC if name == "UTC" else zoneinfo.ZoneInfo(name)
        there = datetime.fromtimestamp(int(clock()), tz=zone)
        return LocalTime(time=there.isoformat(), weekday=_DAYS[there.weekday()], time_zone=name)

    return function_tool(current_time)


def _zone(asked: str) -> str:
    known = _zones()
    folded = asked[: _LONGEST_ZONE + 1].casefold()
    if folded in known:
        return known[folded]
    near = difflib.get_close_matches(folded, known, n=3) if len(asked) <= _LONGEST_ZONE else []
    hint = f" Did you mean {', '.join(known[each] for each in near)}?" if near else ""
    raise ToolError(
        f"{asked[:_LONGEST_ZONE]!r} is not an IANA time zone.{hint} "
        'Allowed: names such as "UTC", "Europe/Berlin" or "Asia/Tokyo".'
    )
