"""The files of the project: what git tracks or would track."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The root of the checkout."""


def project_files(root: Path = ROOT) -> list[Path]:
    """Return every file of the checkout at `root` that git does not ignore, sorted; absolute paths.

    Raises `subprocess.CalledProcessError` where `root` is no git checkout.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode()
    paths = {root / name for name in names.split("\0") if name}
    return sorted(path for path in paths if path.is_file())


def source_files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    """Return the project's files under these top-level folders that end in one of `suffixes`."""
    return [
        path
        for path in project_files()
        if path.suffix in suffixes and path.relative_to(ROOT).parts[0] in folders
    ]
