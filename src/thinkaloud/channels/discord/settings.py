"""`[channels.discord]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class DiscordSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.discord]`: a Discord bot."""

    token_env: str = "DISCORD_BOT_TOKEN"
    """The environment variable with the bot's token."""
    api_base: str = "https://discord.com/api/v10"
    """The address of the REST API."""
    gateway_url: str | None = None
    """The address of the gateway. Not set: what the API names."""
