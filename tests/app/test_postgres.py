"""Where the PostgreSQL database is, and what its operator is told."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Home
from tests.postgres import PostgresServer
from thinkaloud.app.postgres import address_of, migrate_postgres
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError

POSTGRES = '[store]\nkind = "postgres"\n'


def configured(folder: Path, text: str = POSTGRES) -> Path:
    file = folder / "thinkaloud.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_variables_with_the_urls_are_no_settings(tmp_path: Path) -> None:
    text = f'{POSTGRES}url_env = "THINKALOUD_MAIN_URL"\nlisten_url_env = "THINKALOUD_LISTEN_URL"\n'
    environment = {
        "THINKALOUD_DATABASE_URL": "unused",
        "THINKALOUD_MAIN_URL": "postgresql://pooler",
        "THINKALOUD_LISTEN_URL": "postgresql://direct",
    }
    address = address_of(load(configured(tmp_path, text), environment=environment))
    assert (address.url, address.listen_url) == ("postgresql://pooler", "postgresql://direct")
    assert address.is_pooler
    assert "pooler" not in repr(address)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    file = configured(tmp_path)
    with pytest.raises(ConfigurationError, match="THINKALOUD_DATABASE_URL is not set"):
        address_of(load(file, environment={}))
    environment = {"THINKALOUD_DATABASE_URL": "x", "THINKALOUD_STORE__LISTEN_URL_ENV": "DIRECT"}
    with pytest.raises(ConfigurationError, match="DIRECT is not set"):
        address_of(load(file, environment=environment))


async def test_a_database_that_cannot_be_reached_is_a_problem_of_the_operator(
    tmp_path: Path,
) -> None:
    environment = {"THINKALOUD_DATABASE_URL": "postgresql://thinkaloud:secret@127.0.0.1:1/x"}
    with pytest.raises(ConfigurationError, match="cannot be used") as raised:
        await migrate_postgres(load(configured(tmp_path), environment=environment))
    assert "secret" not in str(raised.value)


async def test_migrating_can_be_repeated(tmp_path: Path, postgres_server: PostgresServer) -> None:
    async with postgres_server.database() as url:
        configuration = load(configured(tmp_path), environment={"THINKALOUD_DATABASE_URL": url})
        assert await migrate_postgres(configuration) == 0
        home = Home(tmp_path)
        home.environment["THINKALOUD_DATABASE_URL"] = url
        assert "up to date" in home.run("migrate").stderr
        assert "The database of [store]" not in home.run("doctor").stdout
        home.environment["THINKALOUD_DATABASE_URL"] = "postgresql://thinkaloud@127.0.0.1:1/x"
        assert "The database of [store] cannot be used" in home.run("doctor").stdout


def test_only_a_postgres_database_is_migrated_by_a_command(tmp_path: Path) -> None:
    home = Home(tmp_path)
    done = home.run("migrate")
    assert done.returncode != 0
    assert 'kind = "postgres"' in done.stderr


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.environment["THINKALOUD_STORE__KIND"] = "postgres"
    code = (
        "import sys; sys.modules['asyncpg'] = None; sys.argv = ['thinkaloud', 'migrate'];"
        " from thinkaloud.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=home.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "install thinkaloud[postgres]" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
