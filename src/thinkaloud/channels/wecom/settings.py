"""`[channels.wecom]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class WeComSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.wecom]`: a WeCom smart bot in API mode. It needs no public address."""

    bot_id: str = ""
    """The bot's id."""
    secret_env: str = "WECOM_BOT_SECRET"
    """The environment variable with the bot's secret for the long connection."""
    ws_url: str = "wss://openws.work.weixin.qq.com"
    """Where the long connection is. It must begin with `wss://`."""
    ca_file: str | None = None
    """A file with the certificates (PEM) of a server of your own, beside the public ones."""
