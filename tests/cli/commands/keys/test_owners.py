"""`thinkaloud owners`: output, confirmation and errors."""

import asyncio
import json
from pathlib import Path

from tests.cli.commands.keys.test_keys import serving
from tests.cli.program import DEMO, Home
from tests.stores.samples import begin
from thinkaloud.stores.sqlite import SqliteStore


async def _begin(path: Path, owner: str) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store, owner=owner)


def keep_conversation(home: Home, owner: str = "local") -> None:
    asyncio.run(_begin(home.folder / "data" / "thinkaloud.db", owner))


def listed(home: Home) -> dict[str, int]:
    """The number of conversations of each owner."""
    run = home.run("owners", "list", "--json")
    assert run.returncode == 0, run.stderr
    return {each["owner"]: each["conversations"] for each in json.loads(run.stdout)}


def test_an_owner_is_renamed_and_deleted(home: Home) -> None:
    keep_conversation(home)
    renamed = home.run("owners", "rename", "local", "ana")
    assert (renamed.returncode, renamed.stdout) == (0, "")
    assert "Gave 1 conversation to ana." in renamed.stderr
    assert "A server that requires no keys still uses local" in renamed.stderr
    assert listed(home) == {"ana": 1}
    assert "ana" in home.run("owners", "list").stdout
    unasked = home.run("owners", "delete", "ana")
    assert unasked.returncode == 2
    assert "add --yes" in unasked.stderr
    assert listed(home) == {"ana": 1}
    deleted = home.run("owners", "delete", "ana", "--yes")
    assert "Deleted ana with 1 conversation." in deleted.stderr
    assert listed(home) == {}


def test_settings_that_still_use_the_former_name_are_listed(home: Home) -> None:
    keep_conversation(home, "bob")
    home.configure(
        DEMO
        + '[auth]\nmode = "keys"\n[auth.owners.bob]\ntokens_per_day = 5\n'
        + '[channels.telegram]\nenabled = false\nowner = "bob"\n'
    )
    renamed = home.run("owners", "rename", "bob", "ana")
    assert "[auth.owners.bob], [channels.telegram]" in renamed.stderr
    assert "requires no keys" not in renamed.stderr


def test_deleting_asks_for_the_owners_name_as_confirmation(home: Home) -> None:
    keep_conversation(home)
    with home.terminal("owners", "delete", "local") as terminal:
        terminal.until("confirm:")
        terminal.type("yes\r")
        assert terminal.exit_code() == 1
    assert listed(home) == {"local": 1}
    with home.terminal("owners", "delete", "local") as terminal:
        terminal.until("confirm:")
        terminal.type("local\r")
        assert terminal.exit_code() == 0
    assert listed(home) == {}


def test_owners_are_listed_and_not_changed_while_a_server_uses_the_data(home: Home) -> None:
    keep_conversation(home, "ana")
    home.configure(DEMO + '[auth]\nmode = "keys"\n')
    assert home.run("keys", "create", "phone", "--owner", "bob").returncode == 0
    with serving(home) as url:
        assert listed(home) == {"ana": 1, "bob": 0}
        for arguments in (("rename", "ana", "b"), ("delete", "ana", "--yes")):
            refused = home.run("owners", *arguments)
            assert refused.returncode == 3
            assert url in refused.stderr
            assert "Stop it, run this command again" in refused.stderr
    assert listed(home) == {"ana": 1, "bob": 0}


async def test_owners_are_not_changed_while_another_command_uses_the_data(home: Home) -> None:
    async with SqliteStore.open(home.folder / "data" / "thinkaloud.db"):
        for arguments in (("rename", "a", "b"), ("delete", "a", "--yes")):
            refused = await asyncio.to_thread(home.run, "owners", *arguments)
            assert refused.returncode == 3
            assert "is using the data directory" in refused.stderr


def test_an_unknown_owner_is_reported_with_the_command_that_lists_owners(home: Home) -> None:
    for arguments in (("rename", "nobody", "ana"), ("delete", "nobody", "--yes")):
        refused = home.run("owners", *arguments)
        assert refused.returncode == 2
        assert "thinkaloud owners list" in refused.stderr
