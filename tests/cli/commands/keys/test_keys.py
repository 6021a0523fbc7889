"""`thinkaloud keys` and `thinkaloud audit`, with a running server and without one."""

import json
import re
import signal
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.test_serve import address, read_until
from tests.cli.model_server import end, model_server, say
from tests.cli.program import DEMO, Home

KEYS = DEMO + '[auth]\nmode = "keys"\n'


@contextmanager
def serving(home: Home, *arguments: str) -> Iterator[str]:
    """A server of this home; yields its URL."""
    with home.start("serve", "--port", "0", *arguments) as process:
        yield address(read_until(process, b"/api/docs\n"))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors


def status(url: str, key: str | None = None) -> int:
    """The status of a request with this key."""
    headers = {} if key is None else {"Authorization": f"bearer {key}"}
    request = urllib.request.Request(f"{url}/api/v1/me", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def printed(home: Home, *arguments: str) -> Any:
    """What a command prints with `--json`."""
    run = home.run(*arguments, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_a_new_key_is_the_only_thing_on_stdout_and_shown_once(home: Home) -> None:
    created = home.run("keys", "create", "phone", "--owner", "ada", "--models", "lab/*")
    assert (created.returncode, created.stdout.count("\n")) == (0, 1)
    key = created.stdout.strip()
    assert "not shown again" in created.stderr
    assert 'mode = "keys"' in created.stderr
    (listed,) = printed(home, "keys", "list")
    assert (listed["owner"], listed["models"], listed["last_used_ms"]) == ("ada", ["lab/*"], None)
    assert key.startswith(f"ta_{listed['id']}_")
    secret = key.rpartition("_")[2]
    shown = home.run("keys", "list").stdout + home.run("audit").stdout
    assert "phone" in shown
    files = b"".join(each.read_bytes() for each in (home.folder / "data").iterdir())
    assert secret not in shown
    assert secret.encode() not in files


def test_keys_are_changed_while_the_server_runs(home: Home) -> None:
    home.configure(KEYS)
    with serving(home) as url:
        assert status(url) == 401
        issued = printed(home, "keys", "create", "ada", "--role", "admin")
        assert status(url, issued["key"]) == 200
        rotated = printed(home, "keys", "rotate", issued["id"], "--grace", "1h")
        assert (status(url, issued["key"]), status(url, rotated["key"])) == (200, 200)
        changed = printed(home, "keys", "edit", issued["id"], "--tokens-per-day", "5")
        assert changed["tokens_per_day"] == 5
        changed = printed(home, "keys", "edit", issued["id"], "--clear", "tokens_per_day")
        assert changed["tokens_per_day"] is None
        revoked = home.run("keys", "revoke", issued["id"])
        assert "no admin key left" in revoked.stderr
        entries = printed(home, "audit")
    acts = ["key.revoked", "key.changed", "key.changed", "key.rotated", "key.created"]
    assert [entry["act"] for entry in entries] == acts
    assert {entry["by"] for entry in entries} == {"terminal"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("create", "a", "--scope", "admin"), "--role admin"),
        (("create", "a", "--scope", "all"), "scopes"),
        (("create", "a\n"), "name"),
        (("create", "a", "--expires", "soon"), "expires"),
        (("rotate", "nothing"), "no key with this id"),
        (("revoke", "nothing"), "no key with this id: `thinkaloud keys list` shows the ids"),
        (("edit", "nothing", "--name", "b"), "no key with this id"),
        (("edit", "nothing"), "at least one option"),
        (("edit", "nothing", "--clear", "role"), "--clear role"),
    ],
)
def test_an_invalid_value_is_named(home: Home, arguments: tuple[str, ...], complaint: str) -> None:
    refused = home.run("keys", *arguments)
    assert refused.returncode == 2
    assert complaint in refused.stderr


def test_the_terminal_uses_the_server_of_its_data_directory_without_a_key(home: Home) -> None:
    home.configure(KEYS)
    with serving(home) as url:
        answered = home.run("chat", "Hello")
        assert answered.returncode == 0, answered.stderr
        (listed,) = printed(home, "conversations", "list")
        assert listed["title"]
        assert ((home.folder / "data" / "server.json").stat().st_mode & 0o777) == 0o600
        assert status(url) == 401
    assert not (home.folder / "data" / "server.json").exists()


def test_the_terminal_sends_the_key_of_its_environment(home: Home) -> None:
    home.configure(KEYS)
    with serving(home):
        home.run("chat", "Hello")
        key = printed(home, "keys", "create", "ada")["key"]
        home.environment["THINKALOUD_API_KEY"] = key
        assert printed(home, "conversations", "list") == []
        home.environment["THINKALOUD_API_KEY"] = key[:-1]
        refused = home.run("conversations", "list")
    assert refused.returncode == 2
    assert "not valid" in refused.stderr
    assert "Check THINKALOUD_API_KEY" in refused.stderr
    assert key[:-1] not in refused.stderr


def test_the_terminal_says_when_a_key_beyond_its_limit_can_be_used_again(home: Home) -> None:
    home.configure(KEYS)
    with serving(home):
        created = printed(home, "keys", "create", "ada", "--requests-per-minute", "1")
        home.environment["THINKALOUD_API_KEY"] = created["key"]
        assert home.run("chat", "Hello").returncode == 0
        refused = home.run("chat", "Hello again")
    assert refused.returncode == 1
    assert re.search(r"Try again in \d+ s\.", refused.stderr)


def test_a_spent_budget_survives_a_restart_and_is_reset_the_next_day(home: Home) -> None:
    created = printed(home, "keys", "create", "ada", "--tokens-per-day", "1")
    home.environment["THINKALOUD_API_KEY"] = created["key"]
    with model_server([say("Tea."), end()]) as models:
        home.configure(models.configuration() + '\n[auth]\nmode = "keys"\n')
        with serving(home):
            assert home.run("chat", "Hello").returncode == 0
        with serving(home):
            refused = home.run("chat", "Hello again")
        assert refused.returncode == 1
        assert "1 tokens per day (UTC)" in refused.stderr
        with closing(sqlite3.connect(home.folder / "data" / "keys.db")) as keys, keys:
            keys.execute("UPDATE usage SET day = day - 1")
        with serving(home):
            assert home.run("chat", "Hello again").returncode == 0


@pytest.mark.parametrize("mode", ["keys", "off"])
def test_a_restart_keeps_the_selected_model_if_owners_have_keys(home: Home, mode: str) -> None:
    key = printed(home, "keys", "create", "ada")["key"]
    models = 'models = ["m", "n"]\nbase_url = "http://127.0.0.1:1"\ndialect = "openai-chat"\n'
    home.configure(f'[auth]\nmode = "{mode}"\n[model]\ndefault = "lab/m"\n[hosts.lab]\n{models}')
    headers = {"Authorization": f"bearer {key}", "Content-Type": "application/json"}

    def ask(url: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, headers), timeout=30
        ) as response:
            return json.load(response)

    with serving(home) as url:
        ask(f"{url}/api/v1/models/switch", b'{"model_id": "lab/n"}')
    with serving(home) as url:
        model = ask(f"{url}/api/v1/capabilities")["model"]["id"]
    assert model == ("lab/n" if mode == "keys" else "lab/m")


@pytest.mark.parametrize("settings", [DEMO, KEYS])
def test_a_server_open_to_other_machines_needs_an_admin_key(home: Home, settings: str) -> None:
    home.configure(settings)
    home.run("keys", "create", "user")
    refused = home.run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 3
    assert "thinkaloud keys create admin --role admin" in refused.stderr
    assert ('mode = "keys"' in refused.stderr) == (settings == DEMO)


def test_a_server_open_to_other_machines_starts_with_an_admin_key(home: Home) -> None:
    home.configure(KEYS)
    key = home.run("keys", "create", "ada", "--role", "admin").stdout.strip()
    with serving(home, "--host", "0.0.0.0") as url:
        assert (status(url), status(url, key)) == (401, 200)
        assert home.run("conversations", "list").returncode == 0


def test_the_first_admin_key_is_written_to_the_named_file_once(home: Home) -> None:
    home.configure(KEYS)
    file = home.folder / "admin.key"
    home.environment["THINKALOUD_ADMIN_KEY_FILE"] = str(file)
    for _ in range(2):
        with serving(home, "--host", "0.0.0.0") as url:
            key = file.read_text().strip()
            assert status(url, key) == 200
    assert file.stat().st_mode & 0o777 == 0o600
    (listed,) = printed(home, "keys", "list")
    assert (listed["role"], listed["owner"]) == ("admin", "local")
    printed(home, "keys", "revoke", listed["id"])
    refused = home.run("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 3
    assert key not in refused.stderr + refused.stdout


def test_a_given_admin_key_is_taken_from_the_named_file(home: Home, tmp_path: Path) -> None:
    home.configure(KEYS)
    key = "ta_admin_" + "s3cret-" * 6
    file = tmp_path / "given.key"
    home.environment["THINKALOUD_ADMIN_KEY_FILE"] = str(file)
    file.write_text("hunter2\n")
    refused = home.run("serve", "--port", "0")
    assert refused.returncode == 3
    assert "hunter2" not in refused.stderr
    file.write_text(f"{key}\n")
    with serving(home) as url:
        assert status(url, key) == 200


def test_a_key_has_a_field_for_reasoning_until_it_is_cleared(home: Home) -> None:
    home.configure(KEYS)
    key = home.run("keys", "create", "chat", "--reasoning-field", "reasoning").stdout.strip()
    (listed,) = printed(home, "keys", "list")
    assert listed["reasoning_field"] == "reasoning"
    body = {"messages": [{"role": "user", "content": "Hi"}], "include_reasoning": True}
    with serving(home) as url:
        request = urllib.request.Request(
            f"{url}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            message = json.load(response)["choices"][0]["message"]
    assert message["reasoning"]
    assert "reasoning_content" not in message
    changed = printed(home, "keys", "edit", listed["id"], "--clear", "reasoning_field")
    assert changed["reasoning_field"] is None
