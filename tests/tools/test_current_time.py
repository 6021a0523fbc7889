import json

import pytest

from thinkaloud.errors import ToolError
from thinkaloud.tools import builtin_tools

MOMENT = 1_798_761_599.9  # The last second of 2026 in UTC.


async def ask(arguments: dict[str, object], moment: float = MOMENT) -> str:
    (current_time,) = (
        each
        for each in builtin_tools(None, lambda: moment, fetch=False)
        if each.schema.name == "current_time"
    )
    return await current_time.call(arguments)


@pytest.mark.parametrize(
    ("arguments", "time", "weekday", "zone"),
    [
        ({}, "2026-12-31T23:59:59+00:00", "Thursday", "UTC"),
        ({"time_zone": "UTC"}, "2026-12-31T23:59:59+00:00", "Thursday", "UTC"),
        ({"time_zone": "utc"}, "2026-12-31T23:59:59+00:00", "Thursday", "UTC"),
        (
            {"time_zone": "Europe/Berlin"},
            "2027-01-01T00:59:59+01:00",
            "Friday",
            "Europe/Berlin",
        ),
        ({"time_zone": "asia/kolkata"}, "2027-01-01T05:29:59+05:30", "Friday", "Asia/Kolkata"),
        (
            {"time_zone": "America/New_York"},
            "2026-12-31T18:59:59-05:00",
            "Thursday",
            "America/New_York",
        ),
    ],
)
async def test_the_clocks_time_is_given_in_the_zone(
    arguments: dict[str, object], time: str, weekday: str, zone: str
) -> None:
    assert json.loads(await ask(arguments)) == {
        "time": time,
        "weekday": weekday,
        "time_zone": zone,
    }


async def test_summer_time_is_known() -> None:
    assert "2026-07-01T02:00:00+02:00" in await ask({"time_zone": "Europe/Berlin"}, 1_782_864_000)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berln", "Did you mean Europe/Berlin"),
        ("Mars/Olympus_Mons", "IANA"),
        ("", "IANA"),
        ("America", "IANA"),
        ("../../../etc/passwd", "IANA"),
        ("/etc/localtime", "IANA"),
        ("UTC\0", "IANA"),
        ("tzdata.zi", "IANA"),
        ("\ud800", "IANA"),
        ("x" * 1_000_000, "IANA"),
        (7, "'time_zone'"),
    ],
)
async def test_an_invalid_time_zone_is_refused_with_a_hint(zone: object, expected: str) -> None:
    with pytest.raises(ToolError) as caught:
        await ask({"time_zone": zone})
    assert expected in caught.value.message
    assert len(caught.value.message) < 500
