"""The WeCom (enterprise WeChat) channel: a smart bot on its long connection."""
