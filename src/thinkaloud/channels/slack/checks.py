"""What `thinkaloud channels test` and `doctor` find out about a Slack app."""

from collections.abc import Sequence
from typing import Final

from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.platform import Check
from thinkaloud.channels.slack.api import SlackApi

REQUIRED: Final = ("chat:write", "im:history")
"""Without these, nothing works."""
WANTED: Final = {
    "app_mentions:read": "mentions in channels",
    "assistant:write": "the status and the stop button",
    "channels:history": "replies in public channels",
    "files:read": "files from people",
    "files:write": "long answers as a file",
    "groups:history": "private channels",
    "mpim:history": "group direct messages",
}
"""Scopes and what is missing without them."""


async def check_app(api: SlackApi, app_api: SlackApi) -> Sequence[Check]:
    """Check both tokens, the scopes and Socket Mode, without receiving anything."""
    try:
        me, scopes = await api.identify()
    except PlatformError as error:
        return (Check("token", ok=False, detail=error.message),)
    checks = [Check("token", ok=True, detail=f"{me.user_id} in {me.team or me.team_id}")]
    if scopes:
        checks.append(_scopes(scopes))
    try:
        await app_api.call("apps.connections.open")
    except PlatformError as error:
        detail = f"{error.message}. Socket Mode needs an app-level token with connections:write."
        return (*checks, Check("connection", ok=False, detail=detail))
    return (*checks, Check("connection", ok=True, detail="Socket Mode is on"))


def _scopes(scopes: frozenset[str]) -> Check:
    if missing := [scope for scope in REQUIRED if scope not in scopes]:
        detail = f"missing: {', '.join(missing)}. Add them and install the app again."
        return Check("scopes", ok=False, detail=detail)
    without = [f"{scope} ({what})" for scope, what in WANTED.items() if scope not in scopes]
    return Check("scopes", ok=True, detail=f"without {', '.join(without)}" if without else "all")
