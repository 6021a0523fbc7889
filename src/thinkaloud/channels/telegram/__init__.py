"""Telegram: a bot through aiogram. Imported only when the channel is enabled."""
