"""`thinkaloud doctor`: what is configured, reachable and missing, and how to fix it."""

import json
import socket
import sqlite3
from contextlib import closing
from typing import Any

from tests.cli.commands.test_serve import address, read_until
from tests.cli.model_server import model_server
from tests.cli.program import DEMO, Home

NOWHERE = "http://127.0.0.1:1"


def host(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in report["hosts"] if each["name"] == name)


def test_a_working_setup_is_reported_with_the_model_the_file_and_the_hosts(home: Home) -> None:
    with model_server() as served:
        home.configure(served.configuration(port=0))
        done = home.run("doctor")
        report = json.loads(home.run("doctor", "--json").stdout)
    assert done.returncode == 0
    assert "✓ Model          lab/m" in done.stdout
    assert "thinkaloud.toml" in done.stdout
    assert f"no API key needed; reachable, 1 model; {served.base_url}" in done.stdout
    assert "No problems found." in done.stdout
    assert report["model"] == "lab/m"
    assert not report["demo"]
    assert report["problems"] == []
    assert host(report, "lab") == {
        "name": "lab",
        "title": "lab",
        "base_url": served.base_url,
        "state": "ready",
        "key": "not_needed",
        "key_variables": [],
        "models": 1,
        "configured": True,
        "detail": "",
    }
    assert host(report, "openai")["state"] == "no_key"


def test_the_demo_is_announced_with_the_options_for_a_real_model(home: Home) -> None:
    home.configure(DEMO + "[server]\nport = 0\n")
    done = home.run("doctor")
    assert done.returncode == 0
    for needed in ("NOT AN AI", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "Ollama", "[hosts.NAME]"):
        assert needed in done.stdout


def test_on_a_terminal_the_report_wraps_between_words(home: Home) -> None:
    home.configure(DEMO + "[server]\nport = 0\n")
    with home.terminal("doctor") as terminal:
        assert terminal.exit_code() == 0
        words = set(" ".join(terminal.lines).split())
    # The longest line, and the only one that doesn't depend on servers on this machine.
    line = next(each for each in home.run("doctor").stdout.splitlines() if "No API key" in each)
    assert len(line) > 500
    assert set(line.split()) <= words


def test_a_host_that_does_not_respond_is_a_problem_with_a_solution(home: Home) -> None:
    home.configure(
        '[model]\ndefault = "lab/m"\n[server]\nport = 0\n[hosts.lab]\n'
        f'dialect = "openai-chat"\nbase_url = "{NOWHERE}"\n'
    )
    done = home.run("doctor")
    assert done.returncode == 1
    assert "lab could not be reached: check that it is running, and its base_url." in done.stdout


def test_a_refused_key_is_a_problem_and_is_never_shown(home: Home) -> None:
    home.environment["LAB_KEY"] = "sk-very-secret"
    with model_server(status=401) as served:
        address = NOWHERE.replace("//", "//ada:hidden@")
        home.configure(
            '[model]\ndefault = "lab/m"\n[server]\nport = 0\n[hosts.lab]\n'
            f'dialect = "openai-chat"\nbase_url = "{served.base_url}"\napi_key_env = "LAB_KEY"\n'
            f'[hosts.attic]\ndialect = "openai-chat"\nbase_url = "{address}"\n'
        )
        done = home.run("doctor")
        as_json = home.run("doctor", "--json")
    assert done.returncode == as_json.returncode == 1
    assert "lab rejected the request: check the API key and the base_url." in done.stdout
    assert "attic could not be reached" in done.stdout
    assert host(json.loads(as_json.stdout), "lab")["key_variables"] == ["LAB_KEY"]
    for secret in ("sk-very-secret", "hidden"):
        assert secret not in done.stdout + as_json.stdout


def test_a_missing_key_is_reported_with_its_variable(home: Home) -> None:
    home.configure(
        '[model]\ndefault = "lab/m"\n[server]\nport = 0\n[hosts.lab]\n'
        f'dialect = "openai-chat"\nbase_url = "{NOWHERE}"\napi_key_env = "LAB_KEY"\n'
    )
    done = home.run("doctor")
    assert done.returncode == 1
    assert "lab needs an API key: set LAB_KEY." in done.stdout
    assert "✗ Model          none available" in done.stdout


def test_a_port_in_use_and_a_missing_workspace_are_problems(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        home.configure(DEMO + f'[server]\nport = {port}\nworkspace = "gone"\n')
        done = home.run("doctor")
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stdout
    assert "Folder not found: gone" in done.stdout


def test_the_running_server_is_no_problem_but_its_port_is_for_another_data_directory(
    home: Home,
) -> None:
    home.configure(DEMO)
    with home.start("serve", "--port", "0") as process:
        url = address(read_until(process, b"/api/docs\n"))
        home.configure(DEMO + f"[server]\nport = {url.rpartition(':')[2]}\n")
        done = home.run("doctor")
        report = json.loads(home.run("doctor", "--json").stdout)
        home.environment["THINKALOUD_DATA_DIR"] = str(home.folder / "other")
        other = home.run("doctor")
    assert (done.returncode, report["problems"], report["running"]) == (0, [], url)
    assert f"✓ Server         {url} (running)" in done.stdout
    assert other.returncode == 1
    assert f"✗ Server         {url} (not available)" in other.stdout


def test_an_unusable_database_is_a_problem_and_stays_unchanged(home: Home) -> None:
    home.configure(DEMO + "[server]\nport = 0\n")
    path = home.folder / "data" / "thinkaloud.db"
    assert home.run("doctor").returncode == 0
    assert not path.parent.exists()
    assert home.run("conversations", "list").returncode == 0
    assert home.run("doctor").returncode == 0
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    for damage, words in (
        (b"", "was written by a newer thinkaloud"),
        (b"x" * 99, "not a database"),
    ):
        path.write_bytes(damage + path.read_bytes()[len(damage) :])
        before = path.read_bytes()
        done = home.run("doctor")
        assert done.returncode == 1
        assert words in " ".join(done.stdout.split())
        assert path.read_bytes() == before


def test_an_invalid_configuration_has_its_own_exit_code(home: Home) -> None:
    home.configure("[server]\nprot = 1\n")
    done = home.run("doctor")
    assert (done.returncode, done.stdout) == (3, "")
    assert "server.prot" in done.stderr
