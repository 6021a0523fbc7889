"""The store in a PostgreSQL database, which any number of processes share. Requires `asyncpg`.

Each process has a few connections of its own, and every call has a timeout. A connection is
terminated on any doubt, and never given back to a pool.
"""

from thinkaloud.stores.postgres.database import Address, migrate
from thinkaloud.stores.postgres.server.approvals import PostgresApprovals
from thinkaloud.stores.postgres.server.channel_state import PostgresChannelState
from thinkaloud.stores.postgres.server.keys import PostgresKeyStore
from thinkaloud.stores.postgres.server.protocol_records import PostgresProtocolRecords
from thinkaloud.stores.postgres.server.uploads import PostgresUploads
from thinkaloud.stores.postgres.store import PostgresStore

__all__ = [
    "Address",
    "PostgresApprovals",
    "PostgresChannelState",
    "PostgresKeyStore",
    "PostgresProtocolRecords",
    "PostgresStore",
    "PostgresUploads",
    "migrate",
]
