"""The layer for chat platforms: everything that Telegram, Slack, Discord and others share.

A platform's package has `settings.py` (its keys), `read.py` (platform event to `ChatMessage`),
`render.py` (`ChatContent` to the platform's own messages; both pure) and `client.py` (a `Platform`
that moves a chat toward its content). The layer decides who may talk, starts runs, computes the
content, paces, retries and persists.
"""
