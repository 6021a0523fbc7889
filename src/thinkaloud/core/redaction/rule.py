"""What to redact: a rule, and the rules that are built in. Pure."""

import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
"""The form of a rule's `kind`."""

Boundary = Literal["any", "no_letter", "no_word"]


class Rule(msgspec.Struct, frozen=True):
    """A kind of text to redact. An entry point of `thinkaloud.redactors` provides several."""

    kind: str
    """Its name in `[redacted:KIND]`."""
    pattern: str
    """A regular expression that the text matches within 128 characters. What follows is redacted
    with it for as long as it matches too."""
    check: Callable[[str], bool] | None = None
    """Decides whether a match is a secret, such as by a check digit. Called for every length."""
    whole: bool = False
    """Whether the text that `check` accepted is all of the secret; otherwise, it may continue."""
    not_before: str = ""
    """Characters that can't follow a match: those of which the rule takes all or none."""
    after: Boundary = "any"
    """What can't stand directly before it: nothing, an ASCII letter or digit, or in addition `_`
    and characters from U+0080."""
    until: str = ""
    """A regular expression that ends the secret; the text up to it is redacted too, but at most
    16 KiB. It matches at most 128 characters."""


def has_check_digit(text: str) -> bool:
    """Whether the last digit is the check digit of the others, as in a card number (ISO/IEC 7812)."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_KEY: Final = "[A-Za-z0-9_-]"
_PROVIDER_KEYS: Final = (
    rf"sk-(?:ant|proj|svcacct|admin|or|lf)-{_KEY}{{16,}}",  # Anthropic, OpenAI, OpenRouter, Langfuse
    r"sk-[A-Za-z0-9]{32,}",  # OpenAI, DeepSeek, Moonshot
    # Others: a digit is what distinguishes them from words joined by hyphens.
    rf"sk-[A-Za-z_-]{{0,40}}[0-9]{_KEY}{{12,}}",
    r"csk-[A-Za-z0-9]{20,}",  # Cerebras
    r"(?:gsk|hf|r8|fw|npm|dop_v1)_[A-Za-z0-9]{20,}",  # Groq, Hugging Face, Replicate, Fireworks
    rf"(?:xai|pplx|nvapi|pypi|glpat)-{_KEY}{{20,}}",  # xAI, Perplexity, NVIDIA, PyPI, GitLab
    rf"AIza{_KEY}{{30,}}",  # Google
    rf"(?:ya29\.|GOCSPX-){_KEY}{{20,}}",  # Google OAuth
    r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}",  # AWS
    r"(?i:aws_secret_access_key)[\"' ]{0,2}[:=][\"' ]{0,3}[A-Za-z0-9/+]{40}",
    r"gh[opsur]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"xox[abceoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
    rf"[0-9]{{8,10}}:AA{_KEY}{{33}}",  # Telegram
    r"[prs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    rf"SG\.{_KEY}{{16,}}\.{_KEY}{{16,}}",  # SendGrid
)
_NUMBER: Final = "(?:[ -]?[0-9])"
BUILT_IN_RULES: Final = (
    Rule("thinkaloud_key", r"ta_[A-Za-z0-9-]{4,64}_[A-Za-z0-9_-]{16,}", after="no_letter"),
    *(Rule("provider_key", pattern, after="no_letter") for pattern in _PROVIDER_KEYS),
    # Three parts (JWS) or five (JWE); the first one is enough, because it can be long.
    Rule("token", rf"eyJ{_KEY}{{17,}}(?:\.{_KEY}+){{0,4}}", after="no_letter"),
    # A long token without digits, or one with a digit: unlike any word after "bearer".
    Rule(
        "token",
        r"(?i:bearer)[ \t]{1,2}(?:[A-Za-z]{32,}|[A-Za-z._~+/-]{0,40}[0-9][A-Za-z0-9._~+/-]{10,})=*",
        after="no_letter",
    ),
    Rule(
        "private_key",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----",
        until=r"-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----",
    ),
    # 13 to 19 digits. Numbers that begin with 0, 1 or 7 to 9, such as timestamps, are not cards.
    Rule(
        "card_number",
        rf"[2-6]{_NUMBER}{{12,18}}",
        has_check_digit,
        whole=True,
        not_before="0123456789",
        after="no_letter",
    ),
)
