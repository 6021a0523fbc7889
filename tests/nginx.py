"""Runs a real nginx with the documented site on a free loopback port."""

import asyncio
import base64
import os
import shutil
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from scripts.tree import ROOT

_EXAMPLE: Final = ROOT / "docs" / "examples" / "nginx" / "thinkaloud.conf"
NGINX: Final = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
"""The program; None where it is not installed."""
NAME: Final = "agent.example.org"
"""The site's name, as in the example."""
USER: Final = {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}
"""The header of somebody whom the site lets in."""


@asynccontextmanager
async def nginx(
    folder: Path, url: str, configuration: Callable[[Path], str], location: str | None = None
) -> AsyncGenerator[str]:
    """Have the example's site before the server at `url` for the length of a block; yield its address.

    `location` replaces the site's own.

    `configuration` is nginx's own, which includes `site.conf` of the folder.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Handed over open, as nginx does to its own successor: a client may connect at once.
        port = listener.getsockname()[1]
        _write_site(folder, url, port, location)
        file = folder / "nginx.conf"
        file.write_text(configuration(folder), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            str(NGINX),
            *("-p", folder, "-c", file, "-e", "stderr", "-g", "daemon off;"),
            env={"NGINX": f"{listener.fileno()};"},
            pass_fds=[listener.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def user() -> str:
    """Return the line that lets nginx's workers read what only this user may read."""
    return "user root;" if os.geteuid() == 0 else ""


def temporary_paths(folder: Path) -> str:
    """Return the lines that keep nginx's own files in a folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _write_site(folder: Path, url: str, port: int, location: str | None) -> None:
    site = _EXAMPLE.read_text(encoding="utf-8")
    if location is not None:
        start, end = site.index("    location /"), site.index("}\n\nmap")
        site = site[:start] + location + site[end:]
    site = site.replace("listen 8080", f"listen 127.0.0.1:{port}")
    site = site.replace("127.0.0.1:8484", url.removeprefix("http://"))
    (folder / "site.conf").write_text(site, encoding="utf-8")
    (folder / "htpasswd").write_text("ada:{PLAIN}secret\n", encoding="utf-8")
