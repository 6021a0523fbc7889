"""Starts a client in an environment of its own."""

from pathlib import Path

from benchmarks.support.environments import python_with
from tests.clients.process import ClientProcess

_FOLDER = Path(__file__).parent


class IsolatedClient(ClientProcess):
    """A process that runs a script of this folder with these requirements, until `close`."""

    def __init__(self, script: str, requirements: str) -> None:
        super().__init__([str(python_with(requirements)), script], _FOLDER, {})
