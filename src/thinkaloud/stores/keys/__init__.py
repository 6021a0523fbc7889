"""Implements the key store: in memory, and in a SQLite file."""

from thinkaloud.stores.keys.memory import MemoryKeyStore
from thinkaloud.stores.keys.sqlite import SqliteKeyStore

__all__ = ["MemoryKeyStore", "SqliteKeyStore"]
