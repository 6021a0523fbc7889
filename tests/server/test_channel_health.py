"""The state of chat platforms in the server's health."""

import msgspec

from tests.server.serving import serving
from thinkaloud.channels.platform.status import ChannelStatus
from thinkaloud.providers.scripted import ScriptedModel
from thinkaloud.server.api.health_checks import run_checks


async def test_a_channel_that_is_not_running_degrades_the_health_with_a_reason() -> None:
    states = [
        ChannelStatus("telegram", "failed", "The token is wrong.", 0),
        ChannelStatus("slack", "running", "", 0),
        ChannelStatus("matrix", "retrying", "no network", 0),
    ]
    async with serving(ScriptedModel()) as served:
        services = msgspec.structs.replace(served.services, channel_statuses=lambda: states)
        checks = await run_checks(services)
    found = {name: (check.status, check.detail) for name, check in checks.items()}
    assert found["channels.telegram"] == ("degraded", "The token is wrong.")
    assert found["channels.slack"] == ("healthy", "")
    assert found["channels.matrix"] == ("degraded", "no network")
    assert "unhealthy" not in {check.status for check in checks.values()}
