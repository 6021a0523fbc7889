"""Personal WeChat: a bot through Tencent's iLink API. Imported only when the channel is enabled."""
