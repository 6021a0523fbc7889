"""Encode and decode events as JSON, the format of stores and golden sessions."""

import msgspec

from thinkaloud.events.event import LoggedEvent, RunStarted

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LoggedEvent)
_message_decoder = msgspec.json.Decoder(RunStarted)


def encode(logged: LoggedEvent) -> bytes:
    """Return the event as JSON on one line, without a line break."""
    return _encoder.encode(logged)


def decode(line: bytes | str) -> LoggedEvent:
    """Decode what `encode` returned.

    Raises `msgspec.ValidationError` with the path if it is not a valid event, and
    `msgspec.DecodeError` if it is not JSON.
    """
    return _decoder.decode(line)


def encode_message(message: RunStarted) -> bytes:
    """Return the first event of a run as JSON on one line."""
    return _encoder.encode(message)


def decode_message(line: bytes | str) -> RunStarted:
    """Decode what `encode_message` returned. Raises as `decode`."""
    return _message_decoder.decode(line)
