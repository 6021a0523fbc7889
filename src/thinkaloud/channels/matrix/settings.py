"""`[channels.matrix]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class MatrixSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.matrix]`: an account on a Matrix homeserver."""

    homeserver: str = ""
    """The address of the homeserver, `https://matrix.example.org`."""
    user_id: str = ""
    """The bot's user id, `@bot:example.org`."""
    access_token_env: str = "MATRIX_ACCESS_TOKEN"
    """The environment variable with the account's access token."""
    password_env: str | None = None
    """The environment variable with the account's password: used if there is no access token, to log
    in once. The device that this creates is kept."""
    encryption: bool = True
    """Whether the bot can read and write in encrypted rooms."""
    auto_join: bool = True
    """Whether the bot accepts invitations of people who may use it. It accepts no others."""
