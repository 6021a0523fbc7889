"""Messages that are framed by the server itself, not by the WebSocket library."""

import pytest
from websockets.frames import Frame, Opcode

from thinkaloud.server.connections.websocket_protocol import text_message


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_message_is_framed_as_the_library_frames_it(size: int) -> None:
    text = b"x" * size
    assert text_message(text) == Frame(Opcode.TEXT, text).serialize(mask=False)
