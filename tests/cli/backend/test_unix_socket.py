"""`thinkaloud serve --socket`: a server that no other user of the machine can reach."""

import json
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import unix_connect

from tests.cli.commands.test_serve import read_until
from tests.cli.model_server import end, model_server, say, think
from tests.cli.preloaded import ForkedProcess
from tests.cli.program import DEMO, Home


@pytest.fixture
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a socket; a path has room for about a hundred characters."""
    return tmp_path_factory.mktemp("s") / "agent.sock"


@contextmanager
def serving(home: Home, backend: Path) -> Iterator[ForkedProcess]:
    with home.start("serve", "--socket", str(backend)) as process:
        output = read_until(process, b"/api/docs\n")
        assert f"at unix:{backend}" in output
        assert f"curl --unix-socket {backend} -N http://localhost/" in output
        yield process


def ended(process: ForkedProcess) -> None:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")


def listening_ports(pid: int) -> list[str]:
    """The TCP ports that a process listens at."""
    opened = {
        link.rpartition("[")[2].rstrip("]")
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
        if (link := os.readlink(descriptor)).startswith("socket:")
    }
    found: list[str] = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in opened:
                found.append(fields[1])
    return found


def test_the_socket_is_private_opens_no_port_and_is_removed_at_the_end(
    home: Home, backend: Path
) -> None:
    home.configure(DEMO)
    with serving(home, backend) as process:
        status = backend.lstat()
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert listening_ports(process.pid) == []
        ended(process)
    assert not backend.exists()


def test_curl_a_socket_of_a_page_and_the_terminal_reach_it(home: Home, backend: Path) -> None:
    blue = [think("Hm."), say("Blue."), end()]
    with model_server(blue, blue, blue) as served:
        home.configure(served.configuration())
        with serving(home, backend) as process:
            output = subprocess.run(
                ["curl", "-sS", "-N", "--unix-socket", str(backend),
                 "http://localhost/api/v1/chat/stream-sse", "-H", "Content-Type: application/json",
                 "-d", '{"text": "Why?", "include_reasoning": true}'],
                capture_output=True, check=True, timeout=30,
            ).stdout  # fmt: skip
            assert b"event: complete" in output
            with unix_connect(str(backend), uri="ws://localhost/ws") as connection:
                connection.send("Why?")
                while json.loads(connection.recv())["event"] != "turn_end":
                    pass
            asked = home.run("chat", "Why?")
            assert (asked.returncode, asked.stdout.strip()) == (0, "Blue.")
            listed = home.run("conversations", "list", "--json")
            assert len(json.loads(listed.stdout)) == 3
            ended(process)


def test_a_stale_socket_of_a_killed_server_is_replaced(home: Home, backend: Path) -> None:
    home.configure(DEMO)
    with serving(home, backend) as process:
        process.kill()
        process.wait(timeout=30)
    assert backend.exists()
    with serving(home, backend) as process:
        assert home.run("conversations", "list").returncode == 0
        ended(process)


@pytest.mark.parametrize(
    "what", ["listener", "file", "link", "cannot use the folder", "folder of all", "long"]
)
def test_a_path_in_use_or_unsafe_is_refused_and_left_unchanged(
    home: Home, backend: Path, what: str
) -> None:
    home.configure(DEMO)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    match what:
        case "listener":
            listener.bind(str(backend))
            listener.listen()
        case "file":
            backend.write_text("mine", encoding="utf-8")
        case "link":
            backend.symlink_to(backend.parent / "elsewhere")
        case "cannot use the folder":
            backend = backend.parent / "gone" / "agent.sock"
        case "folder of all":
            backend.parent.chmod(0o777)
        case _:
            backend = backend.parent / ("x" * 120)
    before = [(each.name, each.lstat().st_mode) for each in backend.parent.glob("*")]
    done = home.run("serve", "--socket", str(backend))
    listener.close()
    assert done.returncode == 3
    assert done.stderr.startswith("thinkaloud: server.socket: ")
    assert [(each.name, each.lstat().st_mode) for each in backend.parent.glob("*")] == before


def test_a_port_on_the_command_line_overrides_a_socket_in_the_file(
    home: Home, backend: Path
) -> None:
    home.configure(f'{DEMO}[server]\nsocket = "{backend}"\n')
    with home.start("serve", "--port", "0") as process:
        assert "http://127.0.0.1:" in read_until(process, b"/api/docs\n")
        ended(process)
    with home.start("serve") as process:
        assert f"unix:{backend}" in read_until(process, b"/api/docs\n")
        checked = home.run("doctor")
        assert f"unix:{backend} (running)" in checked.stdout
        ended(process)
    assert f"unix:{backend} (available)" in home.run("doctor").stdout
