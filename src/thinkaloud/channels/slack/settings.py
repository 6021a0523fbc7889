"""The settings of the Slack channel. `thinkaloud.config` loads and documents them."""

from thinkaloud.channels.platform.settings import PlatformSettings


class SlackSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.slack]`: a Slack app that is connected by Socket Mode."""

    bot_token_env: str = "SLACK_BOT_TOKEN"
    """The environment variable with the bot token (`xoxb-…`)."""
    app_token_env: str = "SLACK_APP_TOKEN"
    """The environment variable with the app-level token (`xapp-…`), with the scope
    `connections:write`."""
    api_base: str = "https://slack.com/api/"
    """Where the Web API is."""
