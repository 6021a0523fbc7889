"""Implements the port for records of other protocols: in memory, and in a SQLite file."""

from thinkaloud.stores.protocol_records.memory import MemoryProtocolRecords
from thinkaloud.stores.protocol_records.sqlite import SqliteProtocolRecords

__all__ = ["MemoryProtocolRecords", "SqliteProtocolRecords"]
