"""A store in memory, lost when the process ends."""

from thinkaloud.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
