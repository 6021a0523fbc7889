"""Signatures of the reasoning that this server has sent, for protocols whose clients return it."""

import base64
import hashlib
import hmac
from typing import Final

import msgspec

_PREFIX: Final = "ta1_"
_encode: Final = msgspec.json.Encoder().encode


class ReasoningSignatures:
    """Signs reasoning and verifies it. A signature holds for one owner, model and text.

    `key` is the server's secret. With another one, no signature is valid.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, owner: str, model: str, text: str) -> str:
        """Return the signature of a reasoning text. `model` is `host/model`."""
        # JSON keeps the fields apart: no two triples are encoded to the same bytes.
        data = _encode((owner, model, text))
        digest = hmac.digest(self._key, data, hashlib.sha256)
        return _PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def verify(self, owner: str, model: str, text: str, signature: str) -> bool:
        """Whether this server has signed this text for this owner and model."""
        expected = self.sign(owner, model, text)
        return hmac.compare_digest(expected.encode(), signature.encode())
