"""`[channels.telegram]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class TelegramSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.telegram]`: a Telegram bot."""

    token_env: str = "TELEGRAM_BOT_TOKEN"
    """The environment variable with the bot's token."""
    api_base: str = "https://api.telegram.org"
    """The address of the Bot API, for a server of your own."""
