"""`thinkaloud migrate`: create or upgrade the tables of a PostgreSQL database."""

import asyncio

from thinkaloud.app.postgres import migrate_postgres
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import MigrateOptions
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError


def run(options: MigrateOptions) -> ExitCode:
    """Migrate the database. Raises `ConfigurationError`."""
    configuration = load(options.config)
    if configuration.settings.store.kind != "postgres":
        raise ConfigurationError(
            'Only a PostgreSQL database is migrated by a command: set `kind = "postgres"` under [store].'
            " A file is upgraded when the server starts."
        )
    steps = asyncio.run(migrate_postgres(configuration))
    print_notice("The database is up to date." if not steps else "Upgraded the database.", "green")
    return ExitCode.OK
