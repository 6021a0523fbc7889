"""An sdist and a wheel contain all that a user needs: the page, built, and a README that renders anywhere."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.tree import ROOT

PAGE = ROOT / "src" / "thinkaloud" / "webui"


def build(source: Path, target: str, folder: Path, **environment: str) -> Path:
    """Build a distribution without Node.js on the PATH. Returns its file."""
    environment = {**os.environ, "PATH": str(folder), **environment}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(
        command, cwd=source, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return next(folder.glob("*.whl" if target == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, "sdist", folder, HATCH_BUILD_NO_HOOKS="true")) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("thinkaloud-*/"))


def test_a_wheel_built_from_an_sdist_without_node_contains_the_page(
    unpacked: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(build(unpacked, "wheel", tmp_path)) as archive:
        names = set(archive.namelist())
    page = {
        f"thinkaloud/webui/{path.relative_to(PAGE).as_posix()}"
        for path in PAGE.rglob("*")
        if path.is_file()
    }
    assert "thinkaloud/webui/index.html" in page
    assert page - names == set()


def test_the_readme_of_a_distribution_has_no_relative_links(unpacked: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (unpacked / "PKG-INFO").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


def test_building_without_the_page_and_its_sources_says_what_is_missing(
    unpacked: Path, tmp_path: Path
) -> None:
    index = unpacked / "src" / "thinkaloud" / "webui" / "index.html"
    page = index.read_bytes()
    index.unlink()
    with pytest.raises(RuntimeError, match=r"index\.html is missing, and so are its sources"):
        build(unpacked, "wheel", tmp_path)
    index.write_bytes(page)
