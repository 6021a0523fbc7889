"""`thinkaloud chat` saves conversations, with a running server and without one."""

import contextlib
import json
import re
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import aiohttp
import pytest

from tests.cli.commands.test_conversations import ok, server
from tests.cli.commands.test_serve import address, read_until
from tests.cli.model_server import HOLD, ModelServer, end, model_server, say, think
from tests.cli.program import Home
from tests.docs.examples import InstantClock
from thinkaloud.app.server_address import ServerAddress
from thinkaloud.cli.backend.api import Api
from thinkaloud.cli.backend.remote_run import RemoteRequest, RemoteRun
from thinkaloud.config import load
from thinkaloud.errors import Unavailable
from thinkaloud.events import codec
from thinkaloud.events.event import AnswerDelta, AnswerEnded, RunStarted
from thinkaloud.runtime.runs.request import RunRequest

ANSWERS = [[think("Hm."), say(f"Answer {number}."), end()] for number in range(1, 9)]


@contextmanager
def served_or_not(home: Home, running: bool) -> Iterator[str]:
    """A server of this home, or none."""
    if running:
        with server(home) as url:
            yield url
    else:
        yield ""


def listed(home: Home) -> list[str]:
    """The ids of saved conversations, latest first."""
    found = json.loads(ok(home.run("conversations", "list", "--json")))
    return [each["conversation_id"] for each in found]


def asked(served: ModelServer) -> list[list[str]]:
    """What the model was shown, call by call."""
    return [[message["content"] for message in each["messages"]] for each in served.asked]


def get(url: str | urllib.request.Request) -> Any:
    with urllib.request.urlopen(url, timeout=30) as response:
        return json.load(response)


def ids(url: str) -> list[str]:
    """The ids of what a server keeps, the latest first."""
    found = get(f"{url}/api/v1/conversations")["conversations"]
    return [each["conversation_id"] for each in found]


def stop(url: str, run_id: str) -> str:
    """Stop a run as a browser does; return its status."""
    request = urllib.request.Request(f"{url}/api/v1/runs/{run_id}/stop", method="POST")
    return str(get(request)["status"])


@contextmanager
def through_proxy(
    home: Home, url: str, *limits: int, held: threading.Event | None = None
) -> Iterator[list[str]]:
    """Lead the terminal to the server by a way that drops event streams after so many bytes.

    The first streams, that is. `held` keeps each of them back until it is set. What was asked for
    is noted.
    """
    cuts = iter(limits)
    there = int(url.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))
    heads: list[str] = []

    def carry(client: socket.socket) -> None:
        with (
            contextlib.suppress(ConnectionError),  # Either side may hang up.
            client,
            socket.create_connection(("127.0.0.1", there)) as upstream,
        ):
            head = client.recv(65536)
            upstream.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            heads.append(head.decode().partition(" HTTP")[0])
            stream = b"stream-sse" in head or b"/log" in head
            left = next(cuts, 1 << 30) if stream else 1 << 30
            if stream and held is not None:
                held.wait()
            while left and (data := upstream.recv(min(left, 512))):
                client.sendall(data)
                left -= len(data)

    def serve() -> None:
        with contextlib.suppress(OSError):  # The listener was closed: the test is over.
            while True:
                client, _ = listener.accept()
                threading.Thread(target=carry, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    note = home.folder / "data" / "server.json"
    proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
    note.write_text(note.read_text().replace(url, proxy))
    try:
        yield heads
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.promise("P6", "P7", "P8")
def test_a_server_saves_continues_and_regenerates(home: Home) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        with server(home) as url:
            assert home.run("chat", "Other?").stdout == "Answer 1.\n"
            (other,) = ids(url)
            assert ok(home.run("chat", "One?", "--file", "-", stdin="a log line")) == "Answer 2.\n"
            kept = ids(url)[0]
            assert ok(home.run("chat", "--continue", "Two?")) == "Answer 3.\n"
            assert ok(home.run("chat", "-c", other, "More?")) == "Answer 4.\n"
            assert ok(home.run("chat", "--temporary", "Secret?")) == "Answer 5.\n"
            assert ids(url) == [other, kept]
            assert ok(home.run("conversations", "regenerate", kept)) == "Answer 6.\n"
            edited = ok(home.run("conversations", "edit", kept, "2", "Zwei?", "--json"))
            assert ok(home.run("conversations", "regenerate", kept, "1")) == "Answer 8.\n"
            wrong = home.run("conversations", "edit", kept, "2", "Gone?")
            shown = ok(home.run("conversations", "show", kept))
        one = "<context>\nstdin: a log line\n</context>\n\nOne?"
        assert asked(served) == [
            ["Other?"],
            [one],
            [one, "Answer 2.", "Two?"],
            ["Other?", "Answer 1.", "More?"],
            ["Secret?"],
            [one, "Answer 2.", "Two?"],
            [one, "Answer 2.", "Zwei?"],
            [one],
        ]
    events = [codec.decode(line).event for line in edited.splitlines()]
    assert isinstance(events[0], RunStarted)
    assert events[0].replaces is not None
    assert any(isinstance(event, AnswerEnded) for event in events)
    assert (wrong.returncode, "no message" in wrong.stderr) == (2, True)
    assert "Zwei?" not in shown
    assert "Answer 8." in shown


@pytest.mark.promise("P6", "P7", "P8")
def test_without_a_server_each_command_continues_the_last_conversation(home: Home) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        assert ok(home.run("chat", "--temporary", "Secret?")) == "Answer 1.\n"
        ok(home.run("chat", "One?", "--file", "-", stdin="a log line"))
        (kept,) = listed(home)
        assert ok(home.run("chat", "-c", kept, "Two?")) == "Answer 3.\n"
        assert ok(home.run("conversations", "edit", kept, "1", "Eins?")) == "Answer 4.\n"
        assert ok(home.run("chat", "--continue", "Drei?")) == "Answer 5.\n"
        eins = "<context>\nstdin: a log line\n</context>\n\nEins?"
        assert asked(served)[2:] == [
            [eins.replace("Eins?", "One?"), "Answer 2.", "Two?"],
            [eins],
            [eins, "Answer 4.", "Drei?"],
        ]


def test_impossible_options_for_a_conversation_are_refused(home: Home) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        for arguments, expected in (
            (("-c", "gone"), "no such conversation"),
            (("-c", "../x"), "A conversation ID has"),
            (("--continue",), "no conversation to continue"),
            (("--continue", "--temporary"), "Use only one of"),
        ):
            done = home.run("chat", *arguments, "Why?")
            assert (done.returncode, done.stdout) == (2, "")
            assert expected in done.stderr
        assert served.asked == []


@pytest.mark.promise("P8")
@pytest.mark.parametrize("running", [True, False])
def test_conversations_can_be_switched_at_the_prompt(home: Home, running: bool) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        with (
            served_or_not(home, running) as url,
            through_proxy(home, url) if running else nullcontext([]) as heads,
            home.terminal("chat") as terminal,
        ):
            typed = ["/retry", "One?", "/retry", "/edit Eins?", "/temporary", "Secret?"]
            for prompts, line in enumerate([*typed, "/retry", "/conversation"], start=1):
                terminal.until("›", times=prompts)
                terminal.type(f"{line}\n")
            lines = terminal.until("›", times=9)
            (kept,) = set(re.findall(r"cli_\w+", "\n".join(lines)))
            assert sum(kept in line for line in lines) == 2
            terminal.type(f"/conversation {kept}\n")
            lines = terminal.until("›", times=11)
            assert lines[-3:-1] == ["› Eins?", "Answer 3."]
            terminal.type("Two?\n")
            terminal.until("›", times=12)
            terminal.type("\x04")
            assert terminal.exit_code() == 0
            assert "This conversation has no messages yet." in "\n".join(terminal.lines)
            assert f"Resume with: thinkaloud chat --conversation {kept}" in terminal.lines
            for path in (head.removeprefix("DELETE ") for head in heads if "DELETE" in head):
                assert kept not in path
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    get(url + path)
            assert sum("DELETE" in head for head in heads) == running
        assert asked(served)[2:] == [
            ["Eins?"],
            ["Secret?"],
            ["Secret?"],
            ["Eins?", "Answer 3.", "Two?"],
        ]
    with home.terminal("chat", "--continue") as terminal:
        lines = terminal.until("›", times=2)
        assert "· 1 earlier message" in lines[1]
        assert lines[2:4] == ["› Two?", "Answer 6."]


@pytest.mark.promise("P9", "P10")
def test_a_run_of_the_terminal_is_live_on_the_server_and_ends_only_where_it_is_stopped(
    home: Home,
) -> None:
    with model_server([think("Hm."), say("Half an answer"), HOLD]) as served:
        home.configure(served.configuration())
        with server(home) as url:
            with home.start("chat", "Why?") as left:
                assert left.stdout is not None
                assert left.stdout.read(4) == b"Half"
                left.kill()
                left.wait()
            (first,) = ids(url)
            (run_id,) = get(f"{url}/api/v1/conversations/{first}")["active_runs"]
            assert stop(url, run_id) == "stopped"
            with home.terminal("chat", "Why?") as terminal:
                terminal.until("Half an answer")
                kept = ids(url)[0]
                (run_id,) = get(f"{url}/api/v1/conversations/{kept}")["active_runs"]
                events = f"{url}/api/v1/conversations/{kept}/events?after=0&include_reasoning=true"
                with urllib.request.urlopen(events, timeout=30) as stream:
                    while b"Half an answer" not in stream.readline():
                        pass
                assert stop(url, run_id) == "stopped"
                assert terminal.exit_code() == 130
                assert "Stopped. The output so far is saved." in terminal.lines


@pytest.mark.promise("P10")
def test_ctrl_c_stops_a_run_of_the_server_that_has_not_answered_and_waits_for_another(
    home: Home,
) -> None:
    held = threading.Event()
    with model_server([say("Half"), HOLD]) as served:
        home.configure(served.configuration())
        with server(home) as url, home.terminal("chat", "One?") as first:
            first.until("Half")
            (kept,) = ids(url)
            with (
                through_proxy(home, url, held=held),
                home.start("chat", "-c", kept, "Two?") as second,
            ):
                while len(active := get(f"{url}/api/v1/conversations/{kept}")["active_runs"]) < 2:
                    pass
                second.send_signal(signal.SIGINT)
                held.set()
                _, errors = second.communicate(timeout=30)
                assert second.returncode == 130
                assert b"Stopped" in errors
            assert get(f"{url}/api/v1/runs/{active[1]}")["status"] == "stopped"
            assert get(f"{url}/api/v1/conversations/{kept}")["active_runs"] == active[:1]
            first.type("\x03")
            assert first.exit_code() == 130
        assert len(served.asked) == 1


@pytest.mark.promise("P3", "P9")
def test_a_server_restarted_at_another_address_reports_how_the_run_ended(home: Home) -> None:
    with model_server([say("Half"), HOLD]) as served:
        home.configure(served.configuration())
        with home.start("serve", "--port", "0") as first:
            read_until(first, b"/api/docs\n")
            with home.start("chat", "Why?") as chat:
                assert chat.stdout is not None
                assert chat.stdout.read(4) == b"Half"
                first.kill()
                first.wait()
                with server(home):
                    rest, errors = chat.communicate(timeout=30)
                assert chat.returncode == 1
    assert rest == b"\n"
    assert b"Failed (interrupted)" in errors
    assert len(served.asked) == 1


@pytest.mark.promise("P3")
async def test_a_server_that_does_not_restart_is_an_error(home: Home) -> None:
    with model_server([say("Half"), HOLD]) as served:
        home.configure(served.configuration())
        settings = load(
            home.folder / "thinkaloud.toml",
            environment={"THINKALOUD_DATA_DIR": home.environment["THINKALOUD_DATA_DIR"]},
        )
        with home.start("serve", "--port", "0") as process:
            url = address(read_until(process, b"/api/docs\n"))
            request = RunRequest("Why?", conversation_id="why")
            async with aiohttp.ClientSession() as session:
                run = RemoteRun(
                    Api(session, ServerAddress(url)),
                    settings,
                    RemoteRequest(request, False),
                    InstantClock(),
                )
                async with run:
                    while not any(
                        isinstance(each.event, AnswerDelta) for each in await run.batch()
                    ):
                        pass
                    process.kill()
                    process.wait()
                    with pytest.raises(Unavailable, match="while it was answering") as gone:
                        await run.batch()
        command = re.search(r"`thinkaloud (conversations show why)`", gone.value.message)
        assert command is not None
        assert "The server stopped" in ok(home.run(*command[1].split()))


@pytest.mark.promise("P4", "P6", "P9")
def test_a_client_that_reconnects_repeatedly_misses_and_repeats_nothing(home: Home) -> None:
    words = [f"word{number} " for number in range(600)]
    with model_server([think("Hm."), *map(say, words), end()]) as served:
        home.configure(served.configuration())
        with server(home) as url, through_proxy(home, url, 100, 1500, 1500) as heads:
            done = home.run("chat", "Why?", "--thinking")
    assert done.stdout == "".join(words) + "\n"
    assert (done.returncode, done.stderr) == (0, "Hm.\n\n")
    streams = [head.split()[0] for head in heads if "stream-sse" in head or "/log" in head]
    assert streams == ["POST", "POST", "GET", "GET"]
    assert len(served.asked) == 1


@pytest.mark.promise("P7", "P15")
def test_the_servers_policy_and_limits_apply_in_the_terminal(home: Home) -> None:
    with model_server([think("Secret."), say("Tea."), end()]) as served:
        home.configure(served.configuration(show_reasoning="deny"))
        with server(home):
            done = home.run("chat", "Why?", "--thinking", "--json")
            assert "Tea." in done.stdout
            assert "Secret" not in done.stdout + done.stderr
            for arguments, code, expected in (
                (("--model", "demo/thinkalout"), 2, "Did you mean demo/thinkaloud?"),
                (("--model", "openai/gpt-5.5"), 3, "set OPENAI_API_KEY"),
                (("--max-iterations", "0"), 2, "max_iterations"),
            ):
                done = home.run("chat", "Hi", *arguments)
                assert (done.returncode, done.stdout) == (code, "")
                assert expected in done.stderr


def test_a_second_chat_without_a_server_can_be_temporary(home: Home) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as first:
            first.until("›")
            refused = home.run("chat", "Why?")
            assert (refused.returncode, refused.stdout) == (3, "")
            for needed in ("thinkaloud serve", "thinkaloud chat --temporary"):
                assert needed in refused.stderr
            assert ok(home.run("chat", "--temporary", "Why?")) == "Answer 1.\n"
            first.type("One?\n")
            first.until("Answer 2.")


def test_a_memory_store_is_announced_at_the_prompt(home: Home) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration() + '\n[store]\nkind = "memory"\n')
        with home.terminal("chat") as terminal:
            assert "This conversation is not saved." in terminal.until("›")
            terminal.type("One?\n")
            terminal.until("›", times=2)
            terminal.type("\x04")
            assert terminal.exit_code() == 0
            assert "Resume with" not in "\n".join(terminal.lines)
    assert not (home.folder / "data" / "thinkaloud.db").exists()
