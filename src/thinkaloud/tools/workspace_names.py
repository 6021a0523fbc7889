"""Which names are allowed in a workspace. Pure.

A name is a relative path with `/` between its parts. Names are invalid if they are absolute paths
or contain a part `..`, a backslash, a drive letter, a Windows device, a control character, a lone
surrogate, or more than 1,024 characters. Nothing is decoded: `%2e%2e` is taken literally.

These are withheld, as if they did not exist:

- every part that starts with a dot: `.env`, `.git`, `.ssh`, `.aws`, `.netrc`, `.npmrc`;
- environment files: `*.env`, `*.envrc`;
- keys and key stores: `*.pem`, `*.key`, `*.p12`, `*.pfx`, `*.p8`, `*.ppk`, `*.jks`, `*.keystore`,
  `*.kdbx`, `*.gpg`, `*.asc`, `*.age`, `id_rsa*`, `id_dsa*`, `id_ecdsa*`, `id_ed25519*`;
- files that usually contain credentials: `credentials`, `credentials.*`, `secrets.*`, `*.tfstate`,
  `*.tfvars`, `htpasswd`, `thinkaloud.toml`.

These rules ignore letter case, compatibility forms and invisible characters.
"""

import re
import unicodedata
from fnmatch import translate
from typing import Final

from thinkaloud.errors import InvalidRequest

MAX_NAME: Final = 1024
"""Maximum length of a name, in characters."""

WITHHELD: Final = (
    ".*",
    "*.env",
    "*.envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.p8",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.gpg",
    "*.asc",
    "*.age",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "credentials",
    "credentials.*",
    "secrets.*",
    "*.tfstate",
    "*.tfvars",
    "htpasswd",
    "thinkaloud.toml",
)
"""Patterns of parts to withhold."""

_WITHHELD: Final = re.compile("|".join(translate(pattern) for pattern in WITHHELD))
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_SHOWN: Final = 100


def parts_of(name: str) -> tuple[str, ...]:
    """Split a name into its parts; `.` is the workspace itself and has none.

    Raises `thinkaloud.errors.InvalidRequest` if the name is invalid by the rules above.
    """
    parts = tuple(part for part in name[: MAX_NAME + 1].split("/") if part not in {"", "."})
    if (
        len(name) > MAX_NAME
        or not name
        or name.startswith("/")
        or _DRIVE.match(name)
        or not all(_is_plain(part) for part in parts)
    ):
        raise InvalidRequest(
            f"{name[:_SHOWN]!r} is not a name in the workspace. "
            "Allowed: relative names such as 'notes/today.md'."
        )
    return parts


def is_withheld(part: str) -> bool:
    """Whether a part of a name, or an entry of a folder, is hidden from the model."""
    if not _is_plain(part):
        return True
    visible = "".join(each for each in part if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold().rstrip(". ")
    return not folded or _WITHHELD.match(folded) is not None


def _is_plain(part: str) -> bool:
    return (
        part != ".."
        and "\\" not in part
        and not any(unicodedata.category(each) in {"Cc", "Cs"} for each in part)
        and not _DEVICE.fullmatch(part.casefold().rstrip(". "))
    )
