"""Find what must not stand in the tree: hosts of package registries, and paths of one machine."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.tree import ROOT, project_files

# Written in pieces: this file is part of the tree that it searches.
_REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("registry", "npmmirror", "com"),
        ("npm", "pkg", "github", "com"),
        ("proxy", "golang", "org"),
        ("static", "crates", "io"),
    )
]
_REGISTRY = re.compile("|".join(map(re.escape, _REGISTRIES)), re.IGNORECASE)
_MACHINE_PATH = re.compile(
    r"(?<![\w.~$})/-])/(?:home/\w|Users/\w|root/\w|work/\w|opt/pypi|opt/wheels)|\b[A-Z]:\\Users\\"
)
_INDEX_OPTION = re.compile(
    r"^\s*--(?:(?:extra-)?index-url|find-links|trusted-host)|\b(?:https?|file)://"
)
_PINNED = re.compile(r"(?:requirements|benchmarks/peers)/[^/]+\.txt")
_RESOLVED = re.compile(r'"resolved":\s*"(?:https?|file):')


def findings(root: Path = ROOT) -> Iterator[str]:
    """Yield `file:line: what is wrong` for every offending line of the checkout at `root`."""
    for path in project_files(root):
        name = path.relative_to(root).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            for fault in _faults(name, line, root):
                yield f"{name}:{number}: {fault}"


def _faults(name: str, line: str, root: Path) -> Iterator[str]:
    if _REGISTRY.search(line):
        yield "names the host of a package registry"
    # A checkout right below the root ("/app") has a path that may mean anything.
    if _MACHINE_PATH.search(line) or (len(root.parts) > 2 and str(root) in line):
        yield "names a path of one machine"
    if _PINNED.fullmatch(name) and _INDEX_OPTION.search(line):
        yield "a pinned requirement says where it comes from"
    if name.endswith("package-lock.json") and _RESOLVED.search(line):
        yield "a locked package says where it comes from (set omit-lockfile-registry-resolved)"


def main() -> int:
    """Print every finding; return 1 if there is one."""
    found = list(findings())
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
