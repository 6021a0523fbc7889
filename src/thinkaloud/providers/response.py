"""A model's response while it is read."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import ModelEvent, ModelFailed, ModelFinished
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.redaction import redact_url

if TYPE_CHECKING:
    import aiohttp

_LAST: Final = (ModelFinished, ModelFailed)


class StreamedResponse:
    """Decodes a response. `finish` converts the events that include its last one."""

    def __init__(
        self,
        http: "aiohttp.ClientResponse",
        decoder: Decoder,
        base_url: str,
        finish: Callable[[list[ModelEvent]], list[ModelEvent]],
    ) -> None:
        self.http = http
        self.ended = False
        """Whether to stop reading: its last event was decoded, or nobody wants more of them."""
        self.finished = False
        """Whether its last event was decoded, and is not an error."""
        self._decoder = decoder
        self._base_url = base_url
        self._finish = finish
        self._may_be_page = http.content_type == "text/html"

    def feed(self, chunk: bytes) -> list[ModelEvent]:
        """Decode the next bytes. Raises `ProviderError` if the body is a web page."""
        if self._may_be_page:
            if chunk.lstrip().startswith(b"<"):
                raise _page(self._base_url)
            self._may_be_page = not chunk.strip()
        events = self._decoder.feed(chunk)
        if events and isinstance(events[-1], _LAST):
            self.ended = True
            self.finished = isinstance(events[-1], ModelFinished)
            return self._finish(events)
        return events

    def feeding(self, take: Callable[[Sequence[ModelEvent]], bool]) -> Callable[[bytes], bool]:
        """Return a function that decodes bytes for `take`, and returns whether to read on."""

        def feed(chunk: bytes) -> bool:
            if take(self.feed(chunk)) and not self.ended:
                return True
            self.ended = True
            return False

        return feed

    def close(self) -> list[ModelEvent]:
        """Return the remaining events at the end of the body; none if it has `ended` before."""
        if self.ended:
            return []
        self.ended = True
        return self._finish(self._decoder.close())


def _page(base_url: str) -> ProviderError:
    return ProviderError(
        "provider_bad_request",
        f"{redact_url(base_url)} returned a web page instead of an API response: check the"
        " base_url of this host.",
    )
