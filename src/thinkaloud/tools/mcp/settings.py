"""`[mcp.NAME]`: the servers whose tools the models can call."""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.ports.tool import Approval

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


class McpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[mcp.NAME]`: an MCP server. Either `command` or `url` is required."""

    enabled: bool = True
    """Whether to connect to the server."""
    command: str | None = None
    """The program to start, for a server over standard input and output. No shell is used."""
    args: tuple[str, ...] = ()
    """The arguments of `command`."""
    cwd: str | None = None
    """The working directory of `command`. Not set: that of thinkaloud."""
    env: dict[str, str] = {}
    """Environment variables of `command`. It also gets `HOME`, `LANG`, `PATH`, `SHELL`, `TMPDIR` and
    `USER`, and no others."""
    env_from: dict[str, str] = {}
    """Environment variables of `command` with secrets: the name of each, and the variable of
    thinkaloud to copy."""
    url: str | None = None
    """The address of a server over Streamable HTTP."""
    headers_env: dict[str, str] = {}
    """Headers for `url` with secrets: the name of each, and the variable of thinkaloud with the
    value."""
    tools: tuple[str, ...] = ("*",)
    """Patterns of the tools to offer, by the server's own names."""
    approval: Approval = "ask"
    """Whether a person has to approve the calls."""
    protocol: Literal["auto", "legacy"] = "auto"
    """`legacy`: use the protocol with a handshake, for servers that need it to ask questions."""
    connect_timeout: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """Seconds for connecting and listing the tools."""
    timeout: Annotated[float, Meta(gt=0, le=86_400)] = 120.0
    """Seconds for a call."""
    max_tools: Annotated[int, Meta(ge=1, le=1_000)] = 100
    """The maximum number of tools to offer."""
    max_result_bytes: Annotated[int, Meta(ge=1_000, le=100_000_000)] = 10_000_000
    """The maximum size of a message from the server, such as the result of a call."""

    @property
    def target(self) -> str:
        """What is started or connected to, for people. Contains no secret."""
        if self.url is not None:
            address = self.url.partition("?")[0]
            scheme, slashes, rest = address.partition("://")
            return f"{scheme}{slashes}{rest.rpartition('@')[2]}"
        return self.command or ""


def fault(name: str, settings: McpSettings) -> str | None:
    """Return what is wrong with a section, or None."""
    if not _NAME.fullmatch(name) or "__" in name or name.endswith("_"):
        return (
            "the name of a server must have up to 32 letters, digits, `-` and `_`, start with a"
            " letter, not end with `_` and not contain `__`"
        )
    if (settings.command is None) == (settings.url is None):
        return "set either `command` or `url`"
    if settings.url is not None and not settings.url.startswith(("http://", "https://")):
        return "`url` must start with http:// or https://"
    other = ("args", "cwd", "env", "env_from") if settings.url is not None else ("headers_env",)
    for field in other:
        if getattr(settings, field):
            needed = "command" if settings.url is not None else "url"
            return f"`{field}` can only be used with `{needed}`"
    return None
