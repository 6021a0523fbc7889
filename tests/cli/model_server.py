"""A model server on loopback with scripted answers, for the real program."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOLD = "hold"
"""A step at which the server pauses until the test ends."""
CUT = "cut"
"""A step at which the server closes the connection without an end marker."""
Step = dict[str, Any] | str


def think(text: str) -> Step:
    return {"choices": [{"index": 0, "delta": {"reasoning_content": text}}]}


def say(text: str) -> Step:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def call(name: str, arguments: dict[str, object]) -> Step:
    function = {"name": name, "arguments": json.dumps(arguments)}
    tool = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [tool]}}]}


def end(reason: str = "stop") -> Step:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


class ModelServer:
    """Sends one answer per call, in order; after the last one, it repeats it."""

    def __init__(self, port: int, answers: Sequence[Sequence[Step]], status: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.asked: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.status = status
        self._answers = answers

    def next_answer(self) -> Sequence[Step]:
        return self._answers[min(len(self.asked), len(self._answers)) - 1]

    def configuration(self, **server: object) -> str:
        """The configuration file that makes this server the model `lab/m`."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in server.items()]
        return "\n".join(
            [
                *("[server]", *lines, "[model]", 'default = "lab/m"', "[hosts.lab]"),
                *('dialect = "openai-chat"', f'base_url = "{self.base_url}"', 'models = ["m"]'),
            ]
        )


@contextmanager
def model_server(*answers: Sequence[Step], status: int = 200) -> Iterator[ModelServer]:
    """Serve these answers until the block is left."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.asked.append(json.loads(body))
            self.send_response(served.status)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for step in served.next_answer():
                    if step == HOLD:
                        served.over.wait()
                        return
                    if step == CUT:
                        return
                    self.wfile.write(b"data: " + json.dumps(step).encode() + b"\n\n")
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # The program may close the connection at any time.

        def do_GET(self) -> None:
            self.send_response(served.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"object": "list", "data": [{"id": "m"}]}).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = ModelServer(server.server_address[1], answers, status)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
