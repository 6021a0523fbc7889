"""Provider payloads that must not be stored, because they repeat hidden reasoning."""

from collections import OrderedDict
from typing import Final

from thinkaloud.events.model import ProviderPayload

MAX_BYTES: Final = 32 * 2**20
"""The maximum size of all payloads together."""


class UnloggedPayloads:
    """An LRU cache of payloads by run and iteration, for the prompts of this process.

    A payload that is gone, such as after a restart, is rebuilt from the recorded text.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, int], ProviderPayload] = OrderedDict()
        self._bytes = 0

    def keep(self, run_id: str, iteration: int, payload: ProviderPayload) -> None:
        """Keep the payload of a response."""
        self._kept[run_id, iteration] = payload
        self._bytes += len(bytes(payload.payload))
        while self._bytes > self._max_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(bytes(gone.payload))

    def find(self, run_id: str, iteration: int) -> ProviderPayload | None:
        """Return the payload of a response, if it was kept."""
        found = self._kept.get((run_id, iteration))
        if found is not None:
            self._kept.move_to_end((run_id, iteration))
        return found
