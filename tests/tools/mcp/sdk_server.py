"""An MCP server made with the official library, of both generations. Run as a program: over stdio."""

import sys

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("official")
PIXEL = b"\x89PNG\r\n\x1a\n"


class Name(BaseModel):
    name: str


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def picture() -> Image:
    """Return an image."""
    return Image(data=PIXEL, format="png")


@server.tool()
async def steps(ctx: Context) -> str:
    """Report progress."""
    await ctx.report_progress(1, 2, "half")
    return "done"


@server.tool()
async def greet(ctx: Context) -> str:
    """Ask for a name."""
    answer = await ctx.elicit("Who are you?", Name)
    return f"{answer.action} {getattr(getattr(answer, 'data', None), 'name', '')}"


@server.tool(annotations=ToolAnnotations(destructiveHint=True))
def fail() -> str:
    """Fail."""
    raise ValueError("it broke")


if __name__ == "__main__":
    server.run(sys.argv[1] if len(sys.argv) > 1 else "stdio")
