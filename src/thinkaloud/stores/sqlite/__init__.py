"""The store in one SQLite file, with nothing but the standard library.

One process owns the file; one thread writes it, and commits in one go what has gathered. The SQL
stands in `schema`, `conversations`, `log` and `search`, as functions of a connection.
"""

from thinkaloud.stores.sqlite.backup import Added, copy_database
from thinkaloud.stores.sqlite.database import Durability, Opening
from thinkaloud.stores.sqlite.preflight import obstacle
from thinkaloud.stores.sqlite.store import SqliteStore

__all__ = ["Added", "Durability", "Opening", "SqliteStore", "copy_database", "obstacle"]
