"""The store in a PostgreSQL database, which any number of processes share. Requires `asyncpg`.

Each process has a few connections of its own, and every call has a timeout. A connection is
terminated on any doubt, and never given back to a pool.
"""

from thinkaloud.stores.postgres.channel_state import PostgresChannelState
from thinkaloud.stores.postgres.database import Address, migrate
from thinkaloud.stores.postgres.keys import PostgresKeyStore
from thinkaloud.stores.postgres.protocol_records import PostgresProtocolRecords
from thinkaloud.stores.postgres.store import PostgresStore
from thinkaloud.stores.postgres.uploads import PostgresUploads

__all__ = [
    "Address",
    "PostgresChannelState",
    "PostgresKeyStore",
    "PostgresProtocolRecords",
    "PostgresStore",
    "PostgresUploads",
    "migrate",
]
