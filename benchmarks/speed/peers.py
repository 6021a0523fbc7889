"""Other servers to compare with, each in a virtual environment of its own, made on first use."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

from benchmarks.speed.processes import started
from benchmarks.speed.variants import Lab, Variant, chat_request
from benchmarks.support.environments import REQUIREMENTS, python_with

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
            program = str(REQUIREMENTS / peer.program)
            command = (
                str(python_with(peer.requirements)),
                program,
                str(lab.provider.port),
                *arguments,
            )
            process = stack.enter_context(started(*command))
            found.append(Variant(peer.name, process, "sse", peer.path, peer.body, peer.end))
        yield found
