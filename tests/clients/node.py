"""A Node.js client, controlled by a test."""

import os
from pathlib import Path

from tests.clients.process import ClientProcess

FOLDER = Path(__file__).parent
_SETUP = FOLDER.parents[1] / ".setup" / "node" / "bin"


class NodeClient(ClientProcess):
    """A process that runs `tests/clients/SCRIPT`, until `close`."""

    def __init__(self, script: str, *arguments: str) -> None:
        paths = os.pathsep.join([str(_SETUP), os.environ.get("PATH", "")])
        super().__init__(["node", script, *arguments], FOLDER, {"PATH": paths})
