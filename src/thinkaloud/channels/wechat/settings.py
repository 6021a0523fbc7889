"""`[channels.wechat]`."""

from thinkaloud.channels.platform.settings import PlatformSettings


class WeChatSettings(PlatformSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[channels.wechat]`: a personal WeChat bot."""

    api_base: str = "https://ilinkai.weixin.qq.com"
    """The address of the iLink bot API. After a login, the address that WeChat named is used."""
    cdn_base: str = "https://novac2c.cdn.weixin.qq.com/c2c"
    """The address that files are downloaded from."""
    token_env: str = ""
    """The environment variable with the bot's token. Empty: the token of
    `thinkaloud channels login wechat` is used."""
