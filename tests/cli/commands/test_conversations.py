"""`thinkaloud conversations`, `export` and `import`, with a running server and without one."""

import itertools
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands.test_serve import address, read_until
from tests.cli.model_server import HOLD, end, model_server, say, think
from tests.cli.program import DEMO, Home

CANARY = "xylophone-canary"


@contextmanager
def server(home: Home) -> Iterator[str]:
    """A server of this home; it ends as one does on SIGTERM."""
    with home.start("serve", "--port", "0") as process:
        yield address(read_until(process, b"/api/docs\n"))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")


def ask(url: str, text: str, conversation_id: str) -> dict[str, Any]:
    body = json.dumps({"text": text, "conversation_id": conversation_id}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/chat/message", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        found: dict[str, Any] = json.load(response)
        return found


def ok(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def saved_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that has had two conversations."""
    home = Home(tmp_path_factory.mktemp("saved"))
    blue = [think(CANARY), say("Blue, by scattering."), end()]
    with model_server(blue, blue, [say("Four."), end()]) as served:
        home.configure(served.configuration())
        with server(home) as url:
            ask(url, "Why is the sky blue?", "sky")
            ask(url, "Again?", "sky")
            ask(url, "2 + 2?", "sum")
    return home.folder / "data"


@pytest.fixture
def home_with_conversations(home: Home, saved_data: Path) -> Iterator[Home]:
    """A home with this data, and a model that answers "Four."."""
    shutil.copytree(saved_data, home.folder / "data")
    with model_server([say("Four."), end()]) as served:
        home.configure(served.configuration())
        yield home


def every_action(home: Home) -> None:
    """List, search, show, export, rename, branch and delete, as a person would."""
    listed = json.loads(ok(home.run("conversations", "list", "--json")))
    assert [each["conversation_id"] for each in listed] == ["sum", "sky"]
    table = ok(home.run("conversations", "search", "SCATTERING", "sky"))
    assert "sky" in table
    assert "sum" not in table
    assert CANARY not in table
    assert ok(home.run("conversations", "search", CANARY, "--json")) == "[]\n"

    shown = ok(home.run("conversations", "show", "sky"))
    assert "Why is the sky blue?" in shown
    assert "Blue, by scattering." in shown
    assert CANARY not in shown
    assert CANARY in ok(home.run("conversations", "show", "sky", "--thinking"))
    assert ok(home.run("conversations", "export", "sky")) == shown

    ok(home.run("conversations", "export", "sky", "--format", "json", "-o", "sky.json"))
    document = json.loads((home.folder / "sky.json").read_text())
    assert [run["input"]["text"] for run in document["runs"]] == ["Why is the sky blue?", "Again?"]
    repeated = home.run("conversations", "export", "sky", "-o", "sky.json")
    assert (repeated.returncode, "already exists" in repeated.stderr) == (2, True)

    assert "Colors" in home.run("conversations", "rename", "sky", "Colors").stderr
    branch = ok(home.run("conversations", "branch", "sky", "1")).strip()
    copy = ok(home.run("conversations", "show", branch))
    assert "Why is the sky blue?" in copy
    assert "Again?" not in copy
    ok(home.run("conversations", "delete", branch))
    gone = home.run("conversations", "show", branch)
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "no such conversation" in gone.stderr


@pytest.mark.promise("P1", "P7", "P8")
def test_conversations_can_be_handled_while_no_server_runs(home_with_conversations: Home) -> None:
    every_action(home_with_conversations)


@pytest.mark.promise("P1", "P7", "P8")
def test_conversations_can_be_handled_while_a_server_runs(home_with_conversations: Home) -> None:
    with server(home_with_conversations) as url:
        note = home_with_conversations.folder / "data" / "server.json"
        assert json.loads(note.read_text())["url"] == url
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        every_action(home_with_conversations)
    assert not note.exists()


def test_a_missing_file_or_run_is_reported(home_with_conversations: Home) -> None:
    for arguments, expected in (
        (("branch", "sky", "3"), "no message 3: the conversation has 2."),
        (("search", " "), "Nothing to search for"),
        (("branch", "sky", "run_none"), "no such run"),
        (("show", "../x"), "A conversation ID has"),
        (("rename", "sky", " "), "title"),
    ):
        done = home_with_conversations.run("conversations", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert expected in done.stderr


def test_an_id_can_be_copied_from_the_list_however_narrow_the_terminal_is(
    home_with_conversations: Home,
) -> None:
    made = ok(home_with_conversations.run("conversations", "branch", "sky", "1")).strip()
    home_with_conversations.environment["COLUMNS"] = "50"
    assert made in ok(home_with_conversations.run("conversations", "list"))


@contextmanager
def impostor() -> Iterator[tuple[int, list[str]]]:
    """A server with another server's info; it notes what it is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"status": "alive", "conversations": []}')

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    try:
        yield served.server_address[1], asked
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


@pytest.mark.promise("P12")
def test_a_stale_server_file_is_not_trusted(home_with_conversations: Home) -> None:
    note = home_with_conversations.folder / "data" / "server.json"
    with (
        model_server([say("x")]) as elsewhere,
        impostor() as (port, asked),
        server(home_with_conversations),
    ):
        truth = json.loads(note.read_text())
        for lie in (
            {**truth, "pid": 1},
            {**truth, "url": elsewhere.base_url},
            {**truth, "url": f"http://0.0.0.0:{port}"},
            {},
        ):
            note.write_text(json.dumps(lie))
            done = home_with_conversations.run("conversations", "list")
            assert (done.returncode, done.stdout) == (3, "")
            assert str(truth["pid"]) in done.stderr
        assert asked == []
    # If no server uses the data, none is asked.
    note.write_text(json.dumps(truth))
    assert "Four." in ok(home_with_conversations.run("conversations", "list"))


def test_conversations_of_a_killed_server_can_be_read_immediately(home: Home) -> None:
    with model_server([think("Hm."), say("Half"), HOLD]) as served:
        home.configure(served.configuration())
        with home.start("serve", "--port", "0") as process:
            url = address(read_until(process, b"/api/docs\n"))
            body = json.dumps({"text": "Why?", "conversation_id": "c"}).encode()
            request = urllib.request.Request(
                f"{url}/api/v1/chat/stream-sse", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as stream:
                while b"Half" not in stream.readline():
                    pass
                assert wait_until_saved(home, "c")
                process.kill()
                process.wait()
        shown = ok(home.run("conversations", "show", "c"))
    assert "Half" in shown
    assert "The server stopped" in shown


def wait_until_saved(home: Home, conversation_id: str) -> bool:
    """Ask the server until the partial answer is kept, which takes a flush interval."""
    for number in itertools.count():
        other = home.beside(f"copy{number}")
        other.configure(DEMO)
        ok(home.run("export", f"copy{number}/copy.db"))
        ok(other.run("import", "copy.db"))
        if "Half" in other.run("conversations", "show", conversation_id).stdout:
            return True
    return False


@pytest.mark.promise("P8")
@pytest.mark.parametrize("running", [True, False])
def test_all_conversations_can_be_moved_to_another_data_directory(
    home_with_conversations: Home, running: bool, tmp_path: Path
) -> None:
    file = tmp_path / "all.db"
    if running:
        with server(home_with_conversations):
            ok(home_with_conversations.run("export", str(file)))
    else:
        ok(home_with_conversations.run("export", str(file)))
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    repeated = home_with_conversations.run("export", str(file))
    assert (repeated.returncode, "already exists" in repeated.stderr) == (2, True)

    other = home_with_conversations.beside("other")
    other.configure(DEMO)
    assert "Restored 2 conversations" in other.run("import", str(file)).stderr
    assert (
        "Restored 0 conversations; skipped 2 conversations that already existed"
        in other.run("import", str(file)).stderr
    )
    mine = ok(
        home_with_conversations.run(
            "conversations", "export", "sky", "--format", "json", "--thinking"
        )
    )
    assert mine == ok(other.run("conversations", "export", "sky", "--format", "json", "--thinking"))
    assert "sky" in ok(other.run("conversations", "search", "scattering"))


def test_unreadable_parts_of_a_backup_are_reported_and_the_rest_imported(
    home_with_conversations: Home, tmp_path: Path
) -> None:
    file = tmp_path / "all.db"
    ok(home_with_conversations.run("export", str(file)))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE events SET event = '' WHERE conversation = 1")
        connection.commit()
    other = home_with_conversations.beside("other")
    other.configure(DEMO)
    done = other.run("import", str(file))
    assert done.returncode == 1
    assert "Restored 1 conversation;" in done.stderr
    assert "Skipped 1 conversation" in done.stderr
    assert "Four." in ok(other.run("conversations", "export", "sum"))


def test_a_backup_is_not_imported_while_a_server_uses_the_data(
    home_with_conversations: Home, tmp_path: Path
) -> None:
    ok(home_with_conversations.run("export", str(tmp_path / "all.db")))
    with server(home_with_conversations):
        done = home_with_conversations.run("import", str(tmp_path / "all.db"))
    assert done.returncode == 3
    assert "Another thinkaloud server" in done.stderr


def test_a_store_that_does_not_persist_is_reported(home: Home, tmp_path: Path) -> None:
    home.configure(DEMO + '[store]\nkind = "memory"\n')
    for arguments in (("conversations", "list"), ("export", str(tmp_path / "x.db"))):
        done = home.run(*arguments)
        assert (done.returncode, done.stdout) == (3, "")
        assert "memory" in done.stderr


def every_version(home: Home) -> None:
    """Regenerate the first answer, and go back and forth between the versions."""
    ok(home.run("conversations", "regenerate", "sky", "1"))
    assert "Again?" not in ok(home.run("conversations", "show", "sky"))
    listed = ok(home.run("conversations", "versions", "sky"))
    assert [line[:5] for line in listed.splitlines()] == ["  1.1", "* 1.2"]
    ok(home.run("conversations", "select", "sky", "1.1"))
    assert "Again?" in ok(home.run("conversations", "show", "sky"))
    versions = json.loads(ok(home.run("conversations", "versions", "sky", "--json")))
    assert [(each["place"], each["selected"]) for each in versions] == [
        ("1.1", True),
        ("1.2", False),
    ]
    other = versions[1]["run_id"]
    assert "Again?" not in ok(home.run("conversations", "show", "sky", "--version", other))
    export = json.loads(ok(home.run("conversations", "export", "sky", "--format", "json")))
    assert [each["run"]["run_id"] for each in export["other_versions"]] == [other]
    ok(home.run("conversations", "select", "sky", other))
    assert "Again?" not in ok(home.run("conversations", "show", "sky"))
    for wrong, words in (("1.9", "There is no version 1.9"), ("run_nowhere", "no such run")):
        refused = home.run("conversations", "select", "sky", wrong)
        assert refused.returncode != 0
        assert words in refused.stderr


def test_versions_are_listed_and_selected_while_no_server_runs(
    home_with_conversations: Home,
) -> None:
    every_version(home_with_conversations)


def test_versions_are_listed_and_selected_while_a_server_runs(
    home_with_conversations: Home,
) -> None:
    with server(home_with_conversations):
        every_version(home_with_conversations)


def test_an_imported_backup_has_all_versions_and_the_selection(
    home_with_conversations: Home, tmp_path: Path
) -> None:
    ok(home_with_conversations.run("conversations", "regenerate", "sky", "1"))
    ok(home_with_conversations.run("conversations", "select", "sky", "1.1"))
    before = ok(home_with_conversations.run("conversations", "export", "sky", "--format", "json"))
    backup = tmp_path / "backup.db"
    ok(home_with_conversations.run("export", str(backup)))
    ok(home_with_conversations.run("conversations", "delete", "sky"))
    ok(home_with_conversations.run("import", str(backup)))
    assert (
        ok(home_with_conversations.run("conversations", "export", "sky", "--format", "json"))
        == before
    )
