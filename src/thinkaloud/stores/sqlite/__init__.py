"""The store in one SQLite file, using only the standard library.

One process owns the file. One thread writes to it, with group commits. The SQL is in `schema`,
`conversations`, `log` and `search`, as functions of a connection.
"""

from thinkaloud.stores.sqlite.backup import Added, copy_database
from thinkaloud.stores.sqlite.database import Durability, Opening
from thinkaloud.stores.sqlite.preflight import obstacle
from thinkaloud.stores.sqlite.store import SqliteStore

__all__ = ["Added", "Durability", "Opening", "SqliteStore", "copy_database", "obstacle"]
