"""`thinkaloud export` and `thinkaloud import`: back up and restore all conversations."""

import asyncio

from thinkaloud.app.storage import database_path, open_database
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import BackupOptions
from thinkaloud.config import Configuration
from thinkaloud.stores.sqlite import Added, copy_database


def run(options: BackupOptions) -> ExitCode:
    """Write or restore a backup. Raises `ThinkaloudError`."""
    configuration = load_for(options.config, options.owner)
    if options.direction == "export":
        # SQLite can copy a database while a server writes to it.
        copy_database(database_path(configuration), options.file)
        print_notice(f"Backup written to {options.file}.", "green")
        return ExitCode.OK
    result = asyncio.run(_add(configuration, options))
    print_notice(
        f"Restored {_count(result.added)}; skipped {_count(result.there)} that already existed.",
        "green",
    )
    if result.damaged:
        print_notice(
            f"Skipped {_count(result.damaged)} in {options.file} that could not be read.", "red"
        )
    if result.foreign:
        print_notice(f"Skipped {_count(result.foreign)} in {options.file} of other owners.", "red")
    is_partial = result.damaged or (result.foreign and options.owner is None)
    return ExitCode.FAILED if is_partial else ExitCode.OK


async def _add(configuration: Configuration, options: BackupOptions) -> Added:
    async with open_database(configuration) as database:
        return await database.add_backup(options.file, owner=configuration.owner)


def _count(number: int) -> str:
    return f"{number} conversation{'s' * (number != 1)}"
