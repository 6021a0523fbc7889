"""`thinkaloud serve`. The only module of the CLI that imports the server's libraries."""

import shlex

from rich.console import Console
from rich.text import Text

from thinkaloud.app.runtime import Choices, Runtime
from thinkaloud.app.server import run_server
from thinkaloud.cli.commands.one_shot import DEMO_NOTICE, print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import ServeOptions
from thinkaloud.cli.ui.sanitize import one_line
from thinkaloud.config import load
from thinkaloud.server.connections.unix_socket import PREFIX, http_base
from thinkaloud.version import __version__

_CREDENTIAL = """\
    -H "Authorization: Bearer $THINKALOUD_API_KEY" \\
"""
_TRY = """\
Try it:
  curl{reach} -N {url}/api/v1/chat/stream-sse -H 'Content-Type: application/json' \\
{credential}    -d '{{"text": "What is 12 * (3 + 4)?", "include_reasoning": true}}'"""


def run(options: ServeOptions) -> ExitCode:
    """Serve until Ctrl-C or SIGTERM.

    Raises `ConfigurationError` or `UnknownModel` if the server cannot start.
    """
    host, port, path = options.host, options.port, options.socket
    if path is None and (host is not None or port is not None):
        path = ""  # --host and --port override a socket in the file.
    overrides = {"server": {"host": host, "port": port, "socket": path}}
    configuration = load(options.config, overrides=overrides)
    for notice in configuration.notices:
        print_notice(notice)
    run_server(configuration, Choices(model=options.model), _print_banner)
    return ExitCode.OK


def _print_banner(runtime: Runtime, url: str) -> None:
    console = Console(highlight=False)
    model = one_line(runtime.models.current, 200)
    line = f"thinkaloud {__version__} serves {model} at {url} (press Ctrl-C to stop)"
    console.print(Text(line, style="bold"), soft_wrap=True)
    if runtime.is_demo:
        console.print(Text(DEMO_NOTICE, style="bold yellow"), soft_wrap=not console.is_terminal)
    is_open = runtime.configuration.settings.auth.mode == "off"
    credential = "" if is_open else _CREDENTIAL
    reach, root = "", url
    if url.startswith(PREFIX):
        reach, root = f" --unix-socket {shlex.quote(url.removeprefix(PREFIX))}", http_base(url)
    console.print(Text(_TRY.format(reach=reach, url=root, credential=credential)), soft_wrap=True)
    console.print(Text(f"API documentation: {root}/api/docs"), soft_wrap=True)
