"""What `thinkaloud channels add` asks for and explains, by platform."""

import re
import types
from collections.abc import Mapping, Sequence
from typing import Final, Union, get_args, get_origin, get_type_hints

import msgspec

from thinkaloud.channels.platform.settings import PlatformSettings


class Setup(msgspec.Struct, frozen=True):
    """How to set up a channel."""

    title: str
    steps: Sequence[str]
    """What to do on the platform first, one step a line."""
    asks: Mapping[str, str] = {}
    """The settings without a usable default, with what they are."""
    ids: str = "user ids"
    """What the ids in `allow_from` are."""
    id_pattern: str = ".+"
    """A regular expression that every id matches."""


SETUP: Final[Mapping[str, Setup]] = {
    "telegram": Setup(
        "Telegram",
        (
            "In Telegram, open a chat with @BotFather and send /newbot.",
            "Put the token that it sends you into the environment variable TELEGRAM_BOT_TOKEN.",
        ),
        ids="numeric user ids",
        id_pattern=r"\d+",
    ),
    "slack": Setup(
        "Slack",
        (
            "Create an app at https://api.slack.com/apps from the manifest on the documentation page,"
            " and install it to your workspace.",
            "Put its bot token (xoxb-…) into SLACK_BOT_TOKEN, and an app-level token with"
            " connections:write (xapp-…) into SLACK_APP_TOKEN.",
        ),
        ids="member ids (U…)",
        id_pattern="[UW][A-Z0-9]+",
    ),
    "discord": Setup(
        "Discord",
        (
            "Create an application at https://discord.com/developers/applications.",
            "On its Bot page, press Reset Token, and put the token into DISCORD_BOT_TOKEN.",
            "Invite the bot to your server: `thinkaloud channels test discord` prints the link.",
        ),
        ids="numeric user ids",
        id_pattern=r"\d+",
    ),
    "feishu": Setup(
        "Feishu/Lark",
        (
            "Create a custom app at https://open.feishu.cn/app (Lark: https://open.larksuite.com/app).",
            "Turn on the bot, grant the permissions and subscribe to the events listed on the"
            " documentation page, choose the long connection, and publish a version.",
            "Copy the App ID, and put the App Secret into FEISHU_APP_SECRET.",
        ),
        {"app_id": "the App ID (cli_…)"},
        ids="open_ids (ou_…)",
        id_pattern="ou_.+",
    ),
    "wechat": Setup(
        "WeChat",
        ("Run `thinkaloud channels login wechat` afterwards, and scan the code with WeChat.",),
        ids="user ids (…@im.wechat)",
    ),
    "wecom": Setup(
        "WeCom",
        (
            "In the WeCom admin console, create a smart bot in API mode with a long connection.",
            "Copy its Bot ID, and put its Secret into WECOM_BOT_SECRET.",
        ),
        {"bot_id": "the Bot ID"},
        ids="userids",
    ),
    "matrix": Setup(
        "Matrix",
        (
            "Register an account for the bot on your homeserver.",
            "Put its access token into MATRIX_ACCESS_TOKEN, or name a variable with its password in"
            " password_env.",
        ),
        {
            "homeserver": "the address of the homeserver (https://…)",
            "user_id": "the bot's user id (@bot:example.org)",
        },
        ids="user ids (@name:server)",
        id_pattern="@.+:.+",
    ),
}
"""By channel name."""


def impossible_ids(name: str, settings: PlatformSettings) -> Sequence[str]:
    """Return what `allow_from` contains that is no id on this platform, such as a user name."""
    pattern = SETUP[name].id_pattern if name in SETUP else ".+"
    return [each for each in settings.allow_from if each != "*" and not re.fullmatch(pattern, each)]


def secret_variables(settings: PlatformSettings) -> Mapping[str, str]:
    """Return the settings that name an environment variable, with the variable's name."""
    return {
        field: value
        for field in settings.__struct_fields__
        if field.endswith("_env") and isinstance(value := getattr(settings, field), str) and value
    }


def accepts_text(kind: type[PlatformSettings], key: str) -> bool:
    """Whether a setting takes text, so that its value is not parsed."""
    hint = get_type_hints(kind).get(key)
    members = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    return str in members
