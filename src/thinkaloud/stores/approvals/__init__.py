"""Remembered approvals in a SQLite file of their own."""

from thinkaloud.stores.approvals.sqlite import SqliteApprovals

__all__ = ["SqliteApprovals"]
