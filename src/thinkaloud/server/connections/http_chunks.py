"""HTTP connections whose responses can be written without a detour through ASGI."""

from collections.abc import Sequence

from thinkaloud.server.connections.http_upgrade import UpgradingHttp


class ChunkedHttp(UpgradingHttp):
    """A connection that writes chunks of a response straight to its transport."""

    def write_chunk(self, pieces: Sequence[bytes]) -> bool:
        """Write a chunk of the response that is being sent, past uvicorn.

        Returns False, having written nothing, if that isn't possible right now: the send buffer is
        above its high-water mark, the client has disconnected, or this isn't a chunked response.
        """
        cycle = self.answering
        if (
            cycle is None
            or not cycle.chunked_encoding
            or cycle.response_complete
            or cycle.disconnected
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return True
