"""The Feishu (Lark) channel: an app's bot, connected by Feishu's long connection."""
