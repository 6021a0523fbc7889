"""Other servers to compare with, each in a virtual environment of its own, made on first use."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.speed.processes import started
from benchmarks.speed.variants import Lab, Variant, chat_request
from scripts.tree import ROOT

_PLACE: Final = ROOT / ".setup" / "peers"
_SOURCES: Final = ROOT / "benchmarks" / "peers"
_AG_UI: Final = json.dumps(
    {
        "threadId": "t",
        "runId": "r",
        "state": {},
        "messages": [{"id": "1", "role": "user", "content": "Hello"}],
        "tools": [],
        "context": [],
        "forwardedProps": {},
    }
)


class Peer(NamedTuple):
    """A server that another project provides."""

    name: str
    requirements: str
    program: str
    path: str
    body: str
    end: bytes
    takes_shapes: bool = False
    """Whether the program must know the shapes of responses when it starts."""


PEERS: Final = (
    Peer(
        "OpenAI library and FastAPI",
        "openai-relay.txt",
        "openai_relay.py",
        "/{shape}/chat",
        '{"text": "Hello"}',
        b"[DONE]",
    ),
    Peer(
        "pydantic-ai and AG-UI",
        "pydantic-ai.txt",
        "pydantic_ai_agent.py",
        "/{shape}/chat",
        _AG_UI,
        b"RUN_FINISHED",
    ),
    Peer(
        "LiteLLM proxy",
        "litellm.txt",
        "litellm_proxy.py",
        "/chat/completions",
        chat_request("{shape}"),
        b"[DONE]",
        takes_shapes=True,
    ),
)


@contextmanager
def running(lab: Lab) -> Iterator[list[Variant]]:
    """Install and start all peers."""
    with ExitStack() as stack:
        found: list[Variant] = []
        for peer in PEERS:
            arguments = (*lab.shapes,) if peer.takes_shapes else ()
            program = str(_SOURCES / peer.program)
            command = (str(_installed(peer)), program, str(lab.provider.port), *arguments)
            process = stack.enter_context(started(*command))
            found.append(Variant(peer.name, process, "sse", peer.path, peer.body, peer.end))
        yield found


def _installed(peer: Peer) -> Path:
    """Return the Python of a peer's environment, made if it is missing or out of date."""
    requirements = _SOURCES / peer.requirements
    environment = _PLACE / requirements.stem
    python, ready = environment / "bin" / "python", environment / "ready"
    wanted = requirements.read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        uv = ("sh", str(ROOT / "scripts" / "uv.sh"))
        subprocess.run([*uv, "venv", "--quiet", "--clear", str(environment)], check=True, cwd=ROOT)
        install = ["pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
        subprocess.run([*uv, *install, "-r", str(requirements)], check=True, cwd=ROOT)
        ready.write_text(wanted, encoding="utf-8")
    return python
