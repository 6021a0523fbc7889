import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from thinkaloud.errors import ConfigurationError, InvalidRequest, NotFound
from thinkaloud.tools import Entry, Match, Workspace
from thinkaloud.tools.workspace import MAX_DEPTH, MAX_ENTRIES, MAX_SEARCHED_BYTES

SECRET = "canary-5d1f"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a few files, and a secret outside it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text(SECRET, encoding="utf-8")
    root = tmp_path / "inside"
    (root / "notes" / "old").mkdir(parents=True)
    (root / "a.txt").write_text("Alpha\nbeta\n", encoding="utf-8")
    (root / "notes" / "today.md").write_text("# Today\nSee ALPHA and alpha.\n", encoding="utf-8")
    (root / "notes" / "old" / "b.md").write_text("nothing here", encoding="utf-8")
    return root


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace(root)


def entry_points(workspace: Workspace) -> list[Callable[[str], object]]:
    """Every way in that takes a name."""
    return [
        lambda name: workspace.read_bytes(name, 1000),
        lambda name: workspace.read_text(name, 1000),
        workspace.list,
    ]


NO_NAMES = [
    "",
    "..",
    "../outside/secret.txt",
    "notes/../../outside/secret.txt",
    "notes/..",
    "./../outside",
    "/etc/passwd",
    "//server/share",
    "/proc/self/environ",
    "..\\outside\\secret.txt",
    "notes\\today.md",
    "\\\\server\\share\\x",
    "C:/Windows/win.ini",
    "c:secret",
    "a.txt\0.png",
    "a.txt\n",
    "\x7f",
    "\ud800",
    "NUL",
    "con.txt",
    "notes/COM1",
    "lpt9 .log",
    "aux.",
    "a/" * 600,
    "x" * 4096,
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_path_that_is_not_relative_is_refused_the_same_by_every_tool(
    workspace: Workspace, name: str
) -> None:
    for door in entry_points(workspace):
        with pytest.raises(InvalidRequest, match="is not a name in the workspace"):
            door(name)


ABSENT = [
    "missing.txt",
    "missing/a.txt",
    "a.txt/b",
    "%2e%2e/outside/secret.txt",
    "%2e%2e%2foutside%2fsecret.txt",
    "%252e%252e%252foutside",
    "．．/outside/secret.txt",
    "~/secret.txt",
    "file:secret",
    "link.txt",
    "linked/secret.txt",
    "inner-link.txt",
    "inner-linked/today.md",
    "broken",
    "loop",
    "pipe",
    "socket",
    ".env",
    ".ENV",
    ".git/config",
    "．env",
    "\u200b.env",
    "notes/.ssh/known_hosts",
    "prod.env",
    "server.PEM",
    "tls.key",
    "id_rsa",
    "id_ed25519.pub",
    "secrets.yaml",
    "id_\u200brsa",
    "\u200b.netrc",
    "credentials",
    "Credentials.JSON",
    "thinkaloud.toml",
    "x" * 300,
]


def plant(root: Path) -> socket.socket:
    """Put one of everything that must not be seen into the workspace."""
    outside = root.parent / "outside"
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "linked").symlink_to(outside)
    (root / "inner-link.txt").symlink_to("a.txt")
    (root / "inner-linked").symlink_to("notes")
    (root / "broken").symlink_to("nowhere")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    for folder in (".git", "notes/.ssh"):
        (root / folder).mkdir()
    for name in (".env", ".ENV", ".git/config", "notes/.ssh/known_hosts", "prod.env"):
        (root / name).write_text(SECRET, encoding="utf-8")
    for name in ("server.PEM", "tls.key", "id_rsa", "id_ed25519.pub", "secrets.yaml"):
        (root / name).write_text(SECRET, encoding="utf-8")
    for name in ("credentials", "Credentials.JSON", "thinkaloud.toml", "．env", "\u200b.env"):
        (root / name).write_text(SECRET, encoding="utf-8")
    for name in ("id_\u200brsa", "\u200b.netrc"):
        (root / name).write_text(SECRET, encoding="utf-8")
    (root / os.fsdecode(b"half\xff")).write_text(SECRET, encoding="utf-8")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(root / "socket"))
    return listening


def test_links_special_files_withheld_files_and_missing_ones_look_the_same(
    workspace: Workspace, root: Path
) -> None:
    with plant(root):
        for door in entry_points(workspace):
            for name in ABSENT:
                with pytest.raises(NotFound) as caught:
                    door(name)
                assert caught.value.message == f"{name!r} was not found in the workspace."


def test_listing_and_search_show_only_files_that_can_be_opened(
    workspace: Workspace, root: Path
) -> None:
    with plant(root):
        assert workspace.list().entries == (Entry("a.txt", "file", 11), Entry("notes", "folder"))
        assert workspace.list("notes/").entries == (
            Entry("old", "folder"),
            Entry("today.md", "file", 29),
        )
        assert workspace.search(SECRET).matches == ()


def test_a_file_is_read_under_every_plain_spelling_of_its_name(workspace: Workspace) -> None:
    for name in ("notes/today.md", "./notes/today.md", "notes//today.md", "notes/./today.md"):
        assert workspace.read_text(name, 1000) == "# Today\nSee ALPHA and alpha.\n"
        assert workspace.read_bytes(name, 1000).startswith(b"# Today")


@pytest.mark.parametrize("door", [Workspace.read_bytes, Workspace.read_text])
@pytest.mark.parametrize("name", [".", "notes", "notes/old/"])
def test_a_folder_is_not_a_file(
    workspace: Workspace, name: str, door: Callable[[Workspace, str, int], object]
) -> None:
    with pytest.raises(NotFound):
        door(workspace, name, 1000)


def test_a_file_is_not_a_folder(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.list("a.txt")


def test_a_file_of_the_maximum_size_is_read_and_one_byte_more_is_refused(
    workspace: Workspace, root: Path
) -> None:
    (root / "big").write_bytes(b"x" * 1000)
    assert len(workspace.read_bytes("big", 1000)) == 1000
    with pytest.raises(InvalidRequest, match="larger than the 999 bytes"):
        workspace.read_bytes("big", 999)


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"\x89PNG\r\n\x1a\n\0\0", b"caf\xe9", b"zero\0zero", b"\xed\xa0\x80"]
)
def test_what_is_not_utf_8_text_is_not_read_as_text(
    workspace: Workspace, root: Path, data: bytes
) -> None:
    (root / "data").write_bytes(data)
    assert workspace.read_bytes("data", 100) == data
    with pytest.raises(InvalidRequest, match="not a text file"):
        workspace.read_text("data", 100)


def test_text_is_returned_unchanged_except_for_a_byte_order_mark(
    workspace: Workspace, root: Path
) -> None:
    (root / "data").write_bytes(b"\xef\xbb\xbf  h\xc3\xa9\r\n\n")
    assert workspace.read_text("data", 100) == "  hé\r\n\n"


def test_a_file_repeatedly_swapped_for_a_link_never_leads_outside(
    workspace: Workspace, root: Path
) -> None:
    stop = threading.Event()
    (root / "real").mkdir()
    (root / "real" / "secret.txt").write_text("harmless", encoding="utf-8")
    (root / "linked").symlink_to(root.parent / "outside")
    (root / "real.txt").write_text("harmless", encoding="utf-8")

    def swap() -> None:
        while not stop.is_set():
            for source in ("real", "linked"):
                (root / source).rename(root / "folder")
                (root / "folder").rename(root / source)
            (root / "next").symlink_to(root.parent / "outside" / "secret.txt")
            (root / "next").replace(root / "file.txt")
            (root / "next").hardlink_to(root / "real.txt")
            (root / "next").replace(root / "file.txt")

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[str] = set()
    try:
        for name in ["folder/secret.txt", "file.txt"] * 3000:
            try:
                seen.add(workspace.read_text(name, 100))
            except NotFound:
                seen.add("absent")
        for _ in range(300):
            seen.update(match.text for match in workspace.search(SECRET).matches)
    finally:
        stop.set()
        thread.join()
    assert seen <= {"harmless", "absent"}


def test_no_file_stays_open(workspace: Workspace, root: Path) -> None:
    open_files = Path("/dev/fd")
    with plant(root):
        before = len(list(open_files.iterdir()))
        for door in entry_points(workspace):
            for name in (*ABSENT, "a.txt", "notes/today.md", "notes"):
                try:
                    door(name)
                except (NotFound, InvalidRequest):
                    continue
        workspace.search("alpha", max_matches=1)
        workspace.search("alpha", seconds=0)
        assert len(list(open_files.iterdir())) == before


def test_a_listing_is_truncated_at_its_limit_with_a_note(workspace: Workspace, root: Path) -> None:
    for number in range(MAX_ENTRIES):
        (root / "notes" / "old" / f"n{number}").touch()
    listing = workspace.list("notes/old")
    assert (len(listing.entries), listing.complete) == (MAX_ENTRIES, False)
    (root / "notes" / "old" / "b.md").unlink()
    assert workspace.list("notes/old").complete


@pytest.mark.parametrize(
    ("text", "glob", "ignore_case", "found"),
    [
        ("alpha", "*", True, [("a.txt", 1), ("notes/today.md", 2)]),
        ("alpha", "*", False, [("notes/today.md", 2)]),
        ("ALPHA", "*.md", False, [("notes/today.md", 2)]),
        ("alpha", "**/*.txt", True, [("a.txt", 1)]),
        ("h", "notes/*", True, [("notes/today.md", 2), ("notes/old/b.md", 1)]),
        ("beta", "a.*", True, [("a.txt", 2)]),
        ("a.pha", "*", True, []),
        ("alpha", "../*", True, []),
        (".*", "*", True, []),
        ("alpha", "*a" * 200 + "b", True, []),
    ],
)
def test_a_search_finds_the_lines_with_the_text(
    workspace: Workspace, text: str, glob: str, ignore_case: bool, found: list[tuple[str, int]]
) -> None:
    result = workspace.search(text, glob, ignore_case=ignore_case)
    assert [(match.name, match.line) for match in result.matches] == found
    assert result.complete


@pytest.mark.parametrize("pattern", ["", "x" * 501, "two\nlines", "nul\0", "\ud800"])
def test_a_search_refuses_invalid_patterns(workspace: Workspace, pattern: str) -> None:
    with pytest.raises(InvalidRequest, match="text must have"):
        workspace.search(pattern)
    with pytest.raises(InvalidRequest, match="glob must have"):
        workspace.search("x", pattern)


def test_a_search_is_truncated_at_its_limits_with_a_note(workspace: Workspace) -> None:
    assert workspace.search("a", max_matches=1).matches == (Match("a.txt", 1, "Alpha"),)
    assert not workspace.search("a", max_matches=1).complete
    out_of_time = workspace.search("alpha", seconds=0)
    assert (out_of_time.matches, out_of_time.complete) == ((), False)


def test_a_search_skips_large_binary_and_deep_files(workspace: Workspace, root: Path) -> None:
    (root / "large").write_bytes(b"needle" + b"\n" * MAX_SEARCHED_BYTES)
    (root / "binary").write_bytes(b"needle\0")
    reached = "/".join("d" * MAX_DEPTH)
    (root / reached / "d").mkdir(parents=True)
    (root / reached / "near").write_text("needle", encoding="utf-8")
    (root / reached / "d" / "far").write_text("needle", encoding="utf-8")
    assert [match.name for match in workspace.search("needle").matches] == [f"{reached}/near"]


def test_a_match_in_a_long_line_shows_what_is_around_it(workspace: Workspace, root: Path) -> None:
    (root / "long").write_text("x" * 100_000 + "needle" + "y" * 100_000, encoding="utf-8")
    (match,) = workspace.search("needle").matches
    assert match.text == "x" * 100 + "needle" + "y" * 94


@pytest.mark.parametrize("name", ["nowhere", "inside/a.txt"])
def test_a_root_that_is_not_a_folder_is_a_configuration_error(root: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="workspace"):
        Workspace(root.parent / name)


def test_the_path_of_a_missing_root_is_not_in_the_error(workspace: Workspace, root: Path) -> None:
    root.rename(root.parent / "elsewhere")
    for act in (workspace.list, lambda: workspace.search("a"), lambda: workspace.read_text("a", 1)):
        with pytest.raises(NotFound) as caught:
            act()
        assert str(root) not in caught.value.message


@pytest.mark.parametrize("allowed", [False, True])
def test_a_hard_linked_file_is_visible_only_if_configured(root: Path, allowed: bool) -> None:
    outside = root.parent / "outside.txt"
    outside.write_text(f"{SECRET} outside", encoding="utf-8")
    (root / "linked.txt").hardlink_to(outside)
    workspace = Workspace(root, hard_links=allowed)
    listed = [entry.name for entry in workspace.list().entries]
    found = [match.name for match in workspace.search("outside").matches]
    assert ("linked.txt" in listed) is allowed
    assert ("linked.txt" in found) is allowed
    if allowed:
        assert "outside" in workspace.read_text("linked.txt", 100)
    else:
        with pytest.raises(NotFound):
            workspace.read_text("linked.txt", 100)
    outside.unlink()
    # It has one name left, and that is in the workspace.
    assert "linked.txt" in [entry.name for entry in workspace.list().entries]
