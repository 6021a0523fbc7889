"""Nothing in the tree names a package registry's host or a path of one machine."""

import subprocess
from pathlib import Path

from scripts.check_tree import findings


def planted(folder: Path, files: dict[str, str]) -> list[str]:
    """The findings in a fresh checkout with these files."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(findings(folder))


def test_the_tree_names_no_registry_and_no_machine() -> None:
    assert list(findings()) == []


def test_a_registry_is_found_by_its_host_and_in_lock_files(tmp_path: Path) -> None:
    host = "pypi" + ".org"
    files = {
        "docs/a.md": f"fine\nfrom https://{host}/simple\n",
        "requirements/run.txt": "--index-url x\na==1 @ file:///srv/a.whl\n",
        "webui/package-lock.json": '"resolved": "https://mirror.example/a.tgz",\n',
    }
    assert [finding.rpartition(": ")[0] for finding in planted(tmp_path, files)] == [
        "docs/a.md:2",
        "requirements/run.txt:1",
        "requirements/run.txt:2",
        "webui/package-lock.json:1",
    ]


def test_a_path_of_one_machine_is_found_and_an_ordinary_path_is_not(tmp_path: Path) -> None:
    home = "/" + "home/ada/project"
    files = {
        "a.py": f'HERE = "{home}"\n',
        "b.py": f'HERE = "{tmp_path}"\n',
        "c.py": 'MOUNT = "/srv/home/x /tmp/work"\n',
    }
    assert [finding.partition(":")[0] for finding in planted(tmp_path, files)] == ["a.py", "b.py"]


def test_what_git_ignores_is_not_searched(tmp_path: Path) -> None:
    home = "/" + "home/ada"
    assert planted(tmp_path, {".gitignore": ".venv/\n", ".venv/pyvenv.cfg": home}) == []
