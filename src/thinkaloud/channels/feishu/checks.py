"""What `thinkaloud channels test` and `doctor` find out about a Feishu app."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from thinkaloud.channels.feishu.api import FeishuApi
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.platform import Check

REQUIRED: Final = ("cardkit:card:write", "im:message:send_as_bot", "im:message.p2p_msg:readonly")
"""Without these, nothing works."""
WANTED: Final[Mapping[str, str]] = {
    "im:message.group_at_msg:readonly": "mentions in groups",
    "im:message.reactions:write_only": "the typing indicator",
    "im:message:readonly": "what a reply quotes",
    "im:resource": "files from people",
}
"""Scopes and what is missing without them."""
_ALL: Final = "im:message"
"""The scope that includes most of the others."""
_GRANTED: Final = 1


async def check_app(api: FeishuApi) -> Sequence[Check]:
    """Check the secret, the bot, the scopes and the long connection, without receiving anything."""
    try:
        _, name = await api.identify()
    except PlatformError as error:
        return (Check("token", ok=False, detail=error.message),)
    checks = [Check("token", ok=True, detail=name or "the bot is there")]
    if (scopes := await _scopes(api)) is not None:
        checks.append(scopes)
    try:
        await api.connection_address()
    except PlatformError as error:
        detail = f"{error.message} Events must be received through a persistent connection."
        return (*checks, Check("connection", ok=False, detail=detail))
    return (*checks, Check("connection", ok=True, detail="the long connection is offered"))


async def _scopes(api: FeishuApi) -> Check | None:
    """Return what is granted; None if Feishu doesn't say."""
    try:
        answer = await api.call("GET", "/open-apis/application/v6/scopes")
    except PlatformError:
        return None
    data = cast("Mapping[str, Any]", answer.get("data") or {})
    found = cast("list[Mapping[str, Any]]", data.get("scopes") or [])
    granted = {
        str(each.get("scope_name")) for each in found if each.get("grant_status") == _GRANTED
    }
    if missing := [scope for scope in REQUIRED if not _has(granted, scope)]:
        detail = f"missing: {', '.join(missing)}. Add them and publish a version of the app."
        return Check("scopes", ok=False, detail=detail)
    without = [f"{scope} ({what})" for scope, what in WANTED.items() if not _has(granted, scope)]
    return Check("scopes", ok=True, detail=f"without {', '.join(without)}" if without else "all")


def _has(granted: set[str], scope: str) -> bool:
    return scope in granted or (scope.startswith("im:message") and _ALL in granted)
