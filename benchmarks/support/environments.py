"""Virtual environments of programs that cannot share ours, each made on first use."""

import os
import subprocess
from pathlib import Path
from typing import Final

from scripts.tree import ROOT

_PLACE: Final = ROOT / ".setup" / "peers"
REQUIREMENTS: Final = ROOT / "benchmarks" / "peers"


def python_with(requirements: str) -> Path:
    """Return the Python of an environment, made if it is missing or out of date.

    `requirements` is the name of a file of `benchmarks/peers/`.
    """
    source = REQUIREMENTS / requirements
    environment = _PLACE / source.stem
    python, ready = environment / "bin" / "python", environment / "ready"
    wanted = source.read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        uv = ("sh", str(ROOT / "scripts" / "uv.sh"))
        subprocess.run([*uv, "venv", "--quiet", "--clear", str(environment)], check=True, cwd=ROOT)
        install = ["pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
        subprocess.run([*uv, *install, "-r", str(source)], check=True, cwd=ROOT)
        ready.write_text(wanted, encoding="utf-8")
    return python


def npm_packages(folder: Path) -> Path:
    """Return the folder with the programs of an npm project, installed if it is out of date."""
    lock, ready = folder / "package-lock.json", folder / "node_modules" / "ready"
    wanted = lock.read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        node = ROOT / ".setup" / "node" / "bin"
        paths = os.pathsep.join([str(node), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": paths}
        subprocess.run(["npm", "ci", "--silent"], check=True, cwd=folder, env=environment)
        ready.write_text(wanted, encoding="utf-8")
    return folder / "node_modules" / ".bin"
