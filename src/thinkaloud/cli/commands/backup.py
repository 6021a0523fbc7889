"""`thinkaloud export` and `thinkaloud import`: all that is kept, as one file."""

import asyncio

from thinkaloud.agent import LOCAL_OWNER
from thinkaloud.app.storage import database_path, open_database
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import BackupOptions
from thinkaloud.config import Configuration, load
from thinkaloud.stores.sqlite import Added, copy_database


def run(options: BackupOptions) -> ExitCode:
    """Write a backup, or take one in. Raises `ThinkaloudError`."""
    configuration = load(options.config)
    if options.direction == "export":
        # SQLite copies a database that another process writes, so a server may go on.
        copy_database(database_path(configuration), options.file)
        print_notice(f"Written to {options.file}.", "green")
        return ExitCode.OK
    result = asyncio.run(_add(configuration, options))
    print_notice(
        f"Added {_count(result.added)}; {_count(result.there)} were there already.", "green"
    )
    if result.damaged:
        print_notice(f"{_count(result.damaged)} cannot be read in {options.file}, left out.", "red")
    if result.foreign:
        print_notice(
            f"{_count(result.foreign)} of other owners in {options.file}, left out.", "red"
        )
    return ExitCode.FAILED if result.damaged or result.foreign else ExitCode.OK


async def _add(configuration: Configuration, options: BackupOptions) -> Added:
    async with open_database(configuration) as database:
        return await database.add_backup(options.file, owner=LOCAL_OWNER)


def _count(number: int) -> str:
    return f"{number} conversation{'s' * (number != 1)}"
