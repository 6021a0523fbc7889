"""Settings of redaction. `thinkaloud.config` loads and documents them."""

import msgspec


class RedactionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[redaction]`: what is redacted where the reasoning policy is `redact`."""

    patterns: dict[str, str] = {}
    """Regular expressions of what to redact in addition to the built-in kinds, by name. The name is in the
    marker: `[redacted:NAME]`."""
    answers: bool = False
    """Whether secrets in answers are redacted, too. Otherwise only those in reasoning are, and what continues one
    in the answer."""
