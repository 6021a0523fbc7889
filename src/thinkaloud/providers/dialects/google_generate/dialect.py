"""The `google-generate` dialect: generateContent."""

from typing import Final

from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.google_generate.decode import GenerateReader
from thinkaloud.providers.dialects.google_generate.encode import encode
from thinkaloud.providers.dialects.google_generate.errors import in_response
from thinkaloud.providers.dialects.google_generate.listing import listed
from thinkaloud.providers.dialects.google_generate.quirks import Quirks
from thinkaloud.providers.dialects.sse_dialect import Parts, SSEDialect
from thinkaloud.providers.target import Target

_PARTS: Final = Parts(Quirks, encode, GenerateReader, in_response, listed)


def bind(target: Target) -> Dialect:
    """Return the dialect for one model on one host.

    Raises `thinkaloud.errors.ConfigurationError` if the target's quirks are invalid.
    """
    return SSEDialect(target, _PARTS)
