"""`--owner`: the conversations of an owner, with a running server and without one."""

import json
import signal
import stat
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.cli.commands.test_conversations import ok
from tests.cli.commands.test_serve import address, read_until
from tests.cli.model_server import end, model_server, say
from tests.cli.program import DEMO, PROGRAM, Home

KEYS = '[auth]\nmode = "keys"\n'
ANA = ("--owner", "ana")
ANSWER = [say("Four."), end()]


@contextmanager
def running(home: Home) -> Generator[str]:
    with home.start("serve", "--port", "0") as process:
        yield address(read_until(process, b"/api/docs\n"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def holds(home: Home, question: str, *arguments: str) -> int:
    """How many conversations contain this question."""
    return len(json.loads(ok(home.run("conversations", "search", question, "--json", *arguments))))


def test_the_terminal_uses_an_owners_conversations_with_and_without_a_server(home: Home) -> None:
    with model_server(*[ANSWER] * 20) as served:
        home.configure(f"{served.configuration()}\n{KEYS}")
        ok(home.run("chat", "Mine?"))
        ok(home.run("chat", "Hers?", "--owner", "ana"))
        with running(home) as url:
            assert (holds(home, "Mine"), holds(home, "Hers")) == (1, 0)
            assert (holds(home, "Mine", *ANA), holds(home, "Hers", *ANA)) == (0, 1)
            ok(home.run("chat", "More?", "--continue", *ANA))
            named = id_of_key(home, url)
            shown = ok(home.run("conversations", "show", named, *ANA))
            assert "More?" in shown
            assert home.run("conversations", "show", named).returncode == 2
        assert ok(home.run("conversations", "show", named, *ANA)) == shown
        ok(home.run("conversations", "regenerate", named, *ANA))
        ok(home.run("conversations", "delete", named, *ANA))
    assert (holds(home, "Mine"), holds(home, "Hers", *ANA)) == (1, 0)


def id_of_key(home: Home, url: str) -> str:
    """The id of the only conversation that a key of ana sees."""
    key = json.loads(ok(home.run("keys", "create", "ana", "--json")))["key"]
    request = urllib.request.Request(
        f"{url}/api/v1/conversations", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        (found,) = json.load(response)["conversations"]
    return str(found["conversation_id"])


def test_a_key_in_the_environment_cannot_choose_an_owner(home: Home) -> None:
    home.configure(DEMO + KEYS)
    with running(home):
        home.environment["THINKALOUD_API_KEY"] = "ta_abc_secret"
        refused = home.run("conversations", "list", "--owner", "ana")
    assert refused.returncode == 2
    assert "THINKALOUD_API_KEY is set" in refused.stderr
    assert "secret" not in refused.stderr


def test_a_server_without_keys_has_only_one_owner(home: Home) -> None:
    home.configure(DEMO)
    with running(home):
        refused = home.run("conversations", "list", "--owner", "ana")
        assert refused.returncode == 2
        assert "belongs to local" in refused.stderr
        assert holds(home, "Mine", "--owner", "local") == 0


@pytest.mark.parametrize("name", ["", " ana", "a\nb", "é", "x" * 129])
def test_what_cannot_be_an_owners_name_is_refused(home: Home, name: str) -> None:
    home.configure(DEMO)
    refused = home.run("conversations", "list", "--owner", name)
    assert refused.returncode == 2
    assert "--owner must be the name of an owner" in refused.stderr


def test_a_backup_is_restored_for_one_owner(home: Home) -> None:
    with model_server(*[ANSWER] * 9) as served:
        home.configure(served.configuration())
        ok(home.run("chat", "Mine?"))
        ok(home.run("chat", "Hers?", "--owner", "ana"))
    backup = str(home.folder / "backup.db")
    ok(home.run("export", backup))
    other = home.beside("other")
    restored = other.run("import", backup, "--owner", "ana")
    assert (restored.returncode, "Restored 1 conversation;" in restored.stderr) == (0, True)
    assert "of other owners: to restore an owner's, pass --owner NAME" in restored.stderr
    assert (holds(other, "Hers", *ANA), holds(other, "Mine", *ANA), holds(other, "Hers")) == (
        1,
        0,
        0,
    )


def test_the_command_that_resumes_a_chat_names_its_owner(home: Home) -> None:
    home.configure(DEMO)
    with home.terminal("chat", "Hello", "--owner", "ana b") as terminal:
        assert terminal.exit_code() == 0
        assert "--owner 'ana b' --conversation" in " ".join(terminal.lines)


def test_a_backup_of_one_owner_contains_nothing_of_the_others(home: Home) -> None:
    with model_server(*[ANSWER] * 9) as served:
        home.configure(f"{served.configuration()}\n{KEYS}")
        ok(home.run("chat", "Mine: xylophone?"))
        ok(home.run("chat", "Hers: bassoon?", *ANA))
    backup = home.folder / "backup.db"
    with running(home):
        made = home.run("export", str(backup), *ANA)
    assert (made.returncode, "Backup of 1 conversation written" in made.stderr) == (0, True)
    data = backup.read_bytes()
    assert (b"bassoon" in data, b"xylophone" in data) == (True, False)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [each.name for each in home.folder.iterdir() if each.name.startswith(".think")] == []
    assert home.run("export", str(backup), *ANA).returncode == 2
    assert home.run("export", str(home.folder / "no" / "backup.db"), *ANA).returncode == 1
    other = home.beside("other")
    ok(other.run("import", str(backup), *ANA))
    assert holds(other, "bassoon", *ANA) == 1


def asked_by_an_editor(home: Home, question: str, *arguments: str) -> str:
    """What `thinkaloud acp` answers to an editor that asks one question."""
    command = (PROGRAM, "acp", *arguments)
    with home.start_interpreter(*command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        session = ""
        for number, (method, params) in enumerate(
            (
                ("initialize", {"protocolVersion": 1}),
                ("session/new", {"cwd": "/", "mcpServers": []}),
                ("session/prompt", {"prompt": [{"type": "text", "text": question}]}),
            )
        ):
            named = {"sessionId": session} if session else {}
            message = {"jsonrpc": "2.0", "id": number, "method": method}
            process.stdin.write(
                json.dumps({**message, "params": {**params, **named}}).encode() + b"\n"
            )
            process.stdin.flush()
            answer: dict[str, object] = {}
            while answer.get("id") != number:
                answer = json.loads(process.stdout.readline())
            result = answer.get("result")
            session = session or (result.get("sessionId", "") if isinstance(result, dict) else "")
        process.stdin.close()
        process.wait(timeout=30)
    return json.dumps(answer)


def test_an_editor_uses_an_owners_conversations_or_those_of_a_key(home: Home) -> None:
    with model_server(*[ANSWER] * 20) as served:
        home.configure(f"{served.configuration()}\n{KEYS}")
        with running(home):
            asked_by_an_editor(home, "Hers?", *ANA)
            key = home.folder / "key.txt"
            key.write_text(ok(home.run("keys", "create", "bob")))
            asked_by_an_editor(home, "His?", "--key-file", str(key))
            bob = ("--owner", "bob")
            assert (holds(home, "Hers", *ANA), holds(home, "His", *ANA)) == (1, 0)
            assert (holds(home, "Hers", *bob), holds(home, "His", *bob)) == (0, 1)
    missing = home.run("acp", "--key-file", "nothing.txt")
    assert missing.returncode == 3
    assert "--key-file: nothing.txt cannot be read." in missing.stderr


def test_what_a_key_does_not_permit_comes_with_the_command_that_shows_it(home: Home) -> None:
    home.configure(DEMO + KEYS)
    with running(home):
        limited = ok(home.run("keys", "create", "bob", "--models", "other/*")).strip()
        home.environment["THINKALOUD_API_KEY"] = limited
        refused = home.run("chat", "Hi")
    assert refused.returncode != 0
    assert "This key may not use that model. `thinkaloud whoami` shows" in refused.stderr
