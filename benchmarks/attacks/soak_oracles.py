"""Measures whether response times tell an attacker anything: the best of 60, of two kinds of request.

An id of another owner must take as long as one that was never assigned, and a wrong secret of a
known key as long as an unknown key. `tests/attacks/test_owners.py` compares the work instead.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from benchmarks.speed.processes import Process, python_module, started
from benchmarks.speed.variants import KEY, open_lab, serve_with_keys

BEST_OF: Final = 60
ROUNDS: Final = 5
"""A difference counts if all rounds have it, in the same direction: the clock isn't exact."""
SHARE: Final = 0.10
SECONDS: Final = 30e-6
PATHS: Final = (
    ("GET", "/api/v1/runs/{run_id}"),
    ("GET", "/api/v1/runs/{run_id}/events"),
    ("GET", "/api/v1/conversations/{conversation_id}"),
    ("GET", "/api/v1/conversations/{conversation_id}/messages"),
    ("GET", "/api/v1/conversations/{conversation_id}/export"),
    ("DELETE", "/api/v1/conversations/{conversation_id}"),
    ("POST", "/api/v1/runs/{run_id}/stop"),
    ("GET", "/api/v1/ai-sdk/chat/{conversation_id}"),
)
Send = Callable[[], None]


class Client:
    """A connection that stays open, so that connecting is not measured."""

    def __init__(self, process: Process, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", process.port)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: object = None) -> bytes:
        """Send a request, and return the body of the response."""
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, self._headers)
        return self._connection.getresponse().read()


def best(one: Send, other: Send) -> tuple[float, float]:
    """Return the least time of each, in seconds. They take turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(BEST_OF):
        for send, found in zip((one, other), times, strict=True):
            start = time.perf_counter()
            send()
            found.append(time.perf_counter() - start)
    return min(times[0]), min(times[1])


def differs(one: Send, other: Send) -> str | None:
    """Return the two times if one of them is always longer; None if nothing can be told."""
    one()
    other()
    signs: set[int] = set()
    for _ in range(ROUNDS):
        first, second = best(one, other)
        tolerance = max(SECONDS, SHARE * min(first, second))
        signs.add(0 if abs(first - second) <= tolerance else 1 if first > second else -1)
        if 0 in signs or len(signs) > 1:
            return None
    return f"{first * 1e6:.0f} µs and {second * 1e6:.0f} µs"


def owned(process: Process, key: str) -> Mapping[str, str]:
    """Create a conversation with a run."""
    client = Client(process, key)
    sent = {"text": "Hi", "conversation_id": "of-the-other-owner"}
    made = json.loads(client.send("POST", "/api/v1/chat/message", sent))
    return {"run_id": made["run_id"], "conversation_id": "of-the-other-owner"}


def create_key(process: Process, name: str) -> str:
    """Create a key over the API."""
    made = json.loads(Client(process, KEY).send("POST", "/api/v1/keys", {"name": name}))
    return str(made["key"])


def compare(process: Process) -> list[str]:
    """Return what response times tell."""
    found: list[str] = []
    ids = owned(process, create_key(process, "ada"))
    never = {name: re.sub(r".{4}\Z", "ffff", value) for name, value in ids.items()}
    bob = Client(process, create_key(process, "bob"))
    for method, path in PATHS:
        body = None if method == "GET" else {}
        difference = differs(
            lambda: bob.send(method, path.format(**ids), body),  # noqa: B023
            lambda: bob.send(method, path.format(**never), body),  # noqa: B023
        )
        print(f"{method} {path}: {difference or 'the same'}", flush=True)
        if difference is not None:
            found.append(f"{method} {path}: {difference}")
    key_id = KEY.split("_")[1]
    wrong = Client(process, f"ta_{key_id}_{'x' * 43}")
    unknown = Client(process, f"ta_{'a' * len(key_id)}_{'x' * 43}")
    difference = differs(
        lambda: wrong.send("GET", "/api/v1/me"), lambda: unknown.send("GET", "/api/v1/me")
    )
    print(f"a wrong secret and an unknown key: {difference or 'the same'}", flush=True)
    return found if difference is None else [*found, f"keys: {difference}"]


def main() -> int:
    """Measure, and fail if a time tells anything."""
    with (
        tempfile.TemporaryDirectory() as folder,
        started(*python_module("benchmarks.speed.provider")) as provider,
    ):
        lab = open_lab(Path(folder), provider, ("n2-r0",))
        with serve_with_keys(lab.folder, lab.configuration) as process:
            return 1 if compare(process) else 0


if __name__ == "__main__":
    sys.exit(main())
