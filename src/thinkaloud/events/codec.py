"""Event ⇄ bytes: the one place. The JSON is what stores keep and golden sessions hold."""

import msgspec

from thinkaloud.events.event import Recorded

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Recorded)


def encode(recorded: Recorded) -> bytes:
    """Return the event as one line of JSON without a line break."""
    return _encoder.encode(recorded)


def decode(line: bytes | str) -> Recorded:
    """Read back what `encode` wrote.

    Raises `msgspec.ValidationError`, naming the path, where it is no such event, and
    `msgspec.DecodeError` where it is no JSON.
    """
    return _decoder.decode(line)
