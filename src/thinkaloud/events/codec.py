"""Event ⇄ bytes: the one place. The JSON is what stores keep and golden sessions hold."""

import msgspec

from thinkaloud.events.event import LoggedEvent, RunStarted

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LoggedEvent)
_message_decoder = msgspec.json.Decoder(RunStarted)


def encode(logged: LoggedEvent) -> bytes:
    """Return the event as one line of JSON without a line break."""
    return _encoder.encode(logged)


def decode(line: bytes | str) -> LoggedEvent:
    """Read back what `encode` wrote.

    Raises `msgspec.ValidationError`, naming the path, where it is no such event, and
    `msgspec.DecodeError` where it is no JSON.
    """
    return _decoder.decode(line)


def encode_message(message: RunStarted) -> bytes:
    """Return what a run begins with as one line of JSON."""
    return _encoder.encode(message)


def decode_message(line: bytes | str) -> RunStarted:
    """Read back what `encode_message` wrote. Raises as `decode`."""
    return _message_decoder.decode(line)
