"""`thinkaloud serve`: prints its address and model, and stops cleanly."""

import json
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.cli.model_server import HOLD, end, model_server, say
from tests.cli.preloaded import ForkedProcess
from tests.cli.program import DEMO, Home


def read_until(process: ForkedProcess, ending: bytes) -> str:
    """Return the program's output up to this text."""
    assert process.stdout is not None
    output = b""
    while ending not in output:
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, f"the program ended: {output!r}"
        output += piece
    return output.decode()


def address(output: str) -> str:
    match = re.search(r"http://127\.0\.0\.1:\d+", output)
    assert match is not None
    return match.group()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_model_and_exits_with_0_on_a_signal(
    home: Home, number: signal.Signals
) -> None:
    with model_server([say("Tea."), end()]) as served:
        home.configure(served.configuration())
        with home.start("serve", "--port", "0") as process:
            output = read_until(process, b"/api/docs\n")
            first = output.splitlines()[0]
            assert "serves lab/m at http://127.0.0.1:" in first
            assert "demo" not in output
            assert "curl -N " + address(output) in output
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")


def test_deprecated_keys_are_reported_at_startup_and_by_doctor(home: Home) -> None:
    with model_server([say("Tea."), end()]) as served:
        home.configure(served.configuration(port=0) + "\n[limits]\nrun_timeout = 60\n")
        advised = home.run("doctor").stdout
        with home.start("serve") as process:
            read_until(process, b"/api/docs\n")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
    notice = "`limits.run_timeout` is deprecated: rename it to `run_timeout_seconds`."
    assert process.returncode == 0
    assert notice in errors.decode()
    assert notice in advised


def streamed(url: str) -> Iterator[str]:
    """The lines of a run's stream, as they come."""
    request = urllib.request.Request(
        f"{url}/api/v1/chat/stream-sse", b'{"text": "Tea?"}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        for line in response:
            yield line.decode()


@pytest.mark.promise("P3")
def test_a_signal_ends_a_run_that_exceeds_the_drain_timeout_and_its_reader_gets_the_end(
    home: Home,
) -> None:
    with model_server([say("Te"), HOLD]) as served:
        home.configure(served.configuration() + "\n[limits]\ndrain_timeout_seconds = 0.2\n")
        with home.start("serve", "--port", "0") as process:
            lines = streamed(address(read_until(process, b"/api/docs\n")))
            while '"Te"' not in next(lines):
                pass
            process.send_signal(signal.SIGTERM)
            rest = "".join(lines)
            _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")
    assert "event: error" in rest
    assert "interrupted" in rest


def test_the_suggested_command_works(home: Home) -> None:
    with model_server([say("Tea."), end()]) as served:
        home.configure(served.configuration())
        with home.start("serve", "--port", "0") as process:
            output = read_until(process, b"/api/docs\n")
            path = re.search(r"curl -N (\S+)", output)
            body = re.search(r"-d '(.*)'", output)
            assert path is not None
            assert body is not None
            request = urllib.request.Request(
                path[1], body[1].encode(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=30) as response:
                events = response.read().decode()
    assert "event: token" in events
    assert "Tea." in events


def test_the_demo_is_announced_clearly(home: Home) -> None:
    home.configure(DEMO)
    with home.start("serve", "--port", "0") as process:
        output = read_until(process, b"/api/docs\n")
    assert "built-in demo model, not an AI" in output
    assert "serves demo/thinkaloud at" in output


def test_options_override_the_configuration(home: Home) -> None:
    with (
        model_server([say("Tea."), end()]) as served,
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        home.configure(served.configuration(port=taken.getsockname()[1]))
        refused = home.run("serve")
        with home.start("serve", "--port", "0", "--model", "demo/thinkaloud") as process:
            output = read_until(process, b"/api/docs\n")
            url = f"{address(output)}/api/v1/models"
            with urllib.request.urlopen(url, timeout=30) as response:
                models = json.load(response)
    assert refused.returncode == 3
    assert "is in use" in refused.stderr
    assert [model["id"] for model in models if model["current"]] == ["demo/thinkaloud"]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--host", "0.0.0.0"], 3, "server.host"),
        (["--model", "no/such"], 2, "No model 'no/such'"),
        (["--config", "gone.toml"], 3, "gone.toml"),
    ],
)
def test_the_reason_for_not_starting_is_printed(
    home: Home, arguments: list[str], code: int, expected: str
) -> None:
    home.configure(DEMO)
    done = home.run("serve", "--port", "0", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
