"""Take the picture of the terminal for the README: a real conversation in tmux, drawn as SVG.

Run it as `python -m scripts.terminal_picture` when the terminal has changed. It is not among the generated files that
`make check` compares: a picture of something that moves is never the same twice. Needs tmux.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from scripts.tree import ROOT

PICTURE: Final = ROOT / "docs" / "pictures" / "terminal.svg"
WIDTH: Final = 88
HEIGHT: Final = 26
_DEADLINE: Final = 30.0
_THEME: Final = TerminalTheme(
    (24, 26, 31),
    (222, 224, 229),
    [
        (24, 26, 31),
        (235, 111, 111),
        (120, 200, 140),
        (226, 180, 90),
        (110, 165, 240),
        (190, 140, 230),
        (95, 200, 205),
        (222, 224, 229),
    ],
)
# Rich's own form names fonts on the network; a picture in a README is drawn without them.
_FORM: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Tmux:
    """A terminal of its own, with a shell in it."""

    def __init__(self, folder: Path) -> None:
        self._command = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        given = {
            "HOME": str(folder),
            "PATH": path,
            "PS1": "$ ",
            "LANG": "C.UTF-8",
            "TERM": "screen-256color",
            "XDG_CONFIG_HOME": str(folder),
            "THINKALOUD_MODEL__DEFAULT": "demo/thinkaloud",
        }
        shell = ["env", "-i", *(f"{name}={value}" for name, value in given.items())]
        self._run(
            *("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", str(folder)),
            shlex.join([*shell, "bash", "--norc", "--noprofile"]),
        )

    def type(self, line: str) -> None:
        """Type a line."""
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def until(self, text: str, times: int = 1) -> str:
        """Wait until the screen shows this text so often; return the screen with its colors.

        Raises `TimeoutError` where it never does.
        """
        deadline = time.monotonic() + _DEADLINE
        screen = ""
        while time.monotonic() < deadline:
            screen = self._run("capture-pane", "-e", "-p")
            if Text.from_ansi(screen).plain.count(text) >= times:
                return screen
            time.sleep(0.05)
        raise TimeoutError(f"{text!r} never came:\n{screen}")

    def end(self) -> None:
        """Close it."""
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], check=True, capture_output=True)
        return done.stdout.decode()


def conversation(terminal: Tmux) -> str:
    """Hold a conversation and return the screen in the middle of its second thought."""
    terminal.until("$")
    terminal.type("thinkaloud chat")
    terminal.until("›")
    terminal.type("What is 12 * (3 + 4)?")
    terminal.until("›", times=2)
    terminal.type("What time is it in Tokyo?")
    return terminal.until("So I call")


def rendered_svg(screen: str) -> str:
    """Return a screen as SVG."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(screen.rstrip("\n")))
        console.print()  # room below the last line
        return console.export_svg(
            title="thinkaloud", theme=_THEME, code_format=_FORM, unique_id="thinkaloud"
        )


def main() -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        terminal = Tmux(Path(folder))
        try:
            screen = conversation(terminal)
        finally:
            terminal.end()
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(rendered_svg(screen), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
