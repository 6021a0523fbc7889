"""The checks of `/health`. Each takes at most two seconds, and none uses the network."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from thinkaloud.channels.platform.status import ChannelStatus
from thinkaloud.errors import ThinkaloudError
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.services import ServerServices

Health = Literal["healthy", "degraded", "unhealthy"]
_CHECK_SECONDS = 2.0
_UNSAVED = "Events cannot be saved. They are kept in memory and retried."


class Check(msgspec.Struct, frozen=True):
    """The result of one check."""

    status: Health
    detail: str = ""


async def run_checks(services: ServerServices) -> dict[str, Check]:
    """Check the store, saving, the model, the chat platforms and whether new runs are accepted."""
    return {
        "store": await _store_check(services),
        "saving": await _saving_check(services),
        "model": _model_check(services),
        "runs": _runs_check(services.runs),
        **_channel_checks(services.channel_statuses()),
    }


async def _store_check(services: ServerServices) -> Check:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await services.store.conversation("", "health")
    except ThinkaloudError as error:
        return Check("unhealthy", error.message)
    except (OSError, TimeoutError) as error:
        return Check("unhealthy", f"The store does not respond ({type(error).__name__}).")
    return Check("healthy")


async def _saving_check(services: ServerServices) -> Check:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await services.store.check_writing()
    except TimeoutError:
        return Check("degraded", f"{_UNSAVED} The store is slow to respond.")
    except ThinkaloudError as error:
        return Check("degraded", f"{_UNSAVED} {error.message}")
    return Check("degraded", _UNSAVED) if services.runs.hub.writer.failing else Check("healthy")


def _model_check(services: ServerServices) -> Check:
    try:
        services.catalogue.open(None)
    except ThinkaloudError as error:
        return Check("unhealthy", error.message)
    if services.about.demo:
        return Check("degraded", "The demo model is in use: no real model is configured.")
    return Check("healthy")


def _runs_check(runs: Runs) -> Check:
    if runs.draining:
        return Check("unhealthy", "The server is shutting down and accepts no new runs.")
    return Check("healthy")


def _channel_checks(statuses: Sequence[ChannelStatus]) -> Mapping[str, Check]:
    """One check per chat platform. None makes the server unhealthy: the others still work."""
    return {
        f"channels.{each.name}": Check("healthy" if each.healthy else "degraded", each.detail)
        for each in statuses
    }
