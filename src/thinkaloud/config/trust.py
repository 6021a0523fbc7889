"""Which configuration files in working directories may start programs.

A file in a project that somebody else wrote must not start programs just because thinkaloud is
run there. So its sections that start code are ignored until the user has trusted it. A trusted file
that changes has to be trusted again.
"""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

SECTIONS: Final = ("mcp", "agents")
"""The sections that start code."""
_FILE: Final = "trusted-configuration.json"


def withhold(tree: dict[str, object], file: Path, content: bytes, data_dir: Path) -> list[str]:
    """Remove the sections that start code, unless the file is trusted; return the notices."""
    found = [section for section in SECTIONS if section in tree]
    if not found or is_trusted(file, content, data_dir):
        return []
    for section in found:
        del tree[section]
    names = " and ".join(f"[{section}]" for section in found)
    return [
        f"{file}: {names} was ignored, because it can start programs and the file is not trusted:"
        " read it, then run `thinkaloud config trust`."
    ]


def is_trusted(file: Path, content: bytes, data_dir: Path) -> bool:
    """Whether the user has trusted this file with this content."""
    return _read(data_dir).get(str(file.resolve())) == hashlib.sha256(content).hexdigest()


def trust(file: Path, content: bytes, data_dir: Path) -> None:
    """Trust a file with this content. Raises `OSError` if that cannot be stored."""
    trusted = _read(data_dir) | {str(file.resolve()): hashlib.sha256(content).hexdigest()}
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = data_dir / f"{_FILE}.new"
    scratch.write_bytes(msgspec.json.encode(trusted))
    scratch.chmod(0o600)
    scratch.replace(data_dir / _FILE)


def _read(data_dir: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode((data_dir / _FILE).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
