"""`[channels.feishu]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class FeishuSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.feishu]`: the bot of a Feishu or Lark app. It needs no public address."""

    app_id: str = ""
    """The app's id (`cli_…`)."""
    app_secret_env: str = "FEISHU_APP_SECRET"
    """The environment variable with the app's secret."""
    domain: str = "https://open.feishu.cn"
    """Where the API is. For Lark: `https://open.larksuite.com`."""
