"""`thinkaloud export` and `thinkaloud import`: back up and restore all conversations."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from thinkaloud.app.storage import database_path, open_database, opening_of
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import BackupOptions
from thinkaloud.config import Configuration
from thinkaloud.errors import StoreError
from thinkaloud.stores.sqlite import Added, SqliteStore, copy_database


def run(options: BackupOptions) -> ExitCode:
    """Write or restore a backup. Raises `ThinkaloudError`."""
    configuration = load_for(options.config, options.owner)
    if options.direction == "export":
        return _export(configuration, options)
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
        print_notice(
            f"Skipped {_count(result.foreign)} of other owners: to restore an owner's, pass --owner NAME.",
            "red",
        )
    is_partial = result.damaged or (result.foreign and options.owner is None)
    return ExitCode.FAILED if is_partial else ExitCode.OK


def _export(configuration: Configuration, options: BackupOptions) -> ExitCode:
    if options.owner is None:
        # SQLite can copy a database while a server writes to it.
        copy_database(database_path(configuration), options.file)
        print_notice(f"Backup written to {options.file}.", "green")
        return ExitCode.OK
    try:
        # In a folder that only this user can read: the first copy contains everything.
        with TemporaryDirectory(
            prefix=".thinkaloud-", dir=options.file.absolute().parent
        ) as folder:
            part = Path(folder) / "owner.db"
            result = asyncio.run(_copy_owner(configuration, part))
            copy_database(part, options.file)
    except OSError as error:
        raise StoreError(f"{options.file} cannot be written: {error.strerror}.") from error
    print_notice(f"Backup of {_count(result.added)} written to {options.file}.", "green")
    if result.damaged:
        print_notice(f"Left out {_count(result.damaged)} that could not be read.", "red")
    return ExitCode.FAILED if result.damaged else ExitCode.OK


async def _copy_owner(configuration: Configuration, part: Path) -> Added:
    """Write the owner's conversations to a new database, which has never contained the others."""
    path = database_path(configuration)
    async with SqliteStore.open(part, opening_of(configuration, path)) as store:
        return await store.add_backup(path, owner=configuration.owner)


async def _add(configuration: Configuration, options: BackupOptions) -> Added:
    async with open_database(configuration) as database:
        return await database.add_backup(options.file, owner=configuration.owner)


def _count(number: int) -> str:
    return f"{number} conversation{'s' * (number != 1)}"
