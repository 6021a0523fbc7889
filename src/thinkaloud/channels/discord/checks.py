"""What `thinkaloud channels test` and `doctor` find out about a bot."""

from collections.abc import Sequence
from typing import Final

from thinkaloud.channels.discord.api import Api, Unauthorized
from thinkaloud.channels.discord.gateway import sessions_left
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.platform import Check

_CONTENT_INTENT: Final = (1 << 18) | (1 << 19)
PERMISSIONS: Final = 1 << 10 | 1 << 11 | 1 << 16 | 1 << 38
"""View channels, send messages, read the history (to reply), send messages in threads."""


async def check_bot(
    api: Api, token_env: str, gateway_url: str | None, *, needs_content: bool
) -> Sequence[Check]:
    """Check the token, the intent and the gateway. Raises nothing."""
    try:
        me = await api.call("GET", "/users/@me")
    except Unauthorized:
        detail = f"the token in {token_env} is not accepted: reset it in the Developer Portal"
        return [Check("token", ok=False, detail=detail)]
    except PlatformError as error:
        return [Check("connection", ok=False, detail=error.message)]
    name, number = str(me.get("username", "")), str(me.get("id", ""))
    invite = (
        f"https://discord.com/oauth2/authorize?client_id={number}"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS}"
    )
    checks = [Check("token", ok=True, detail=f"it is {name} ({number}); invite it with {invite}")]
    if needs_content:
        checks.append(await _check_content(api))
    checks.append(await _check_gateway(api, gateway_url))
    return checks


async def _check_content(api: Api) -> Check:
    try:
        flags = int((await api.call("GET", "/applications/@me")).get("flags", 0))
    except PlatformError as error:
        return Check("intents", ok=False, detail=error.message)
    if flags & _CONTENT_INTENT:
        return Check("intents", ok=True, detail="on")
    detail = "off, but `mention_only = false` needs it: Developer Portal, page Bot"
    return Check("intents", ok=False, detail=detail)


async def _check_gateway(api: Api, gateway_url: str | None) -> Check:
    try:
        found = await api.call("GET", "/gateway/bot")
    except PlatformError as error:
        return Check("gateway", ok=gateway_url is not None, detail=gateway_url or error.message)
    left = sessions_left(found)
    detail = f"{gateway_url or found.get('url')}, {left} connections left today"
    return Check("gateway", ok=left > 0, detail=detail)
