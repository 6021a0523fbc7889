"""An MCP server without a library, which misbehaves as its arguments say. Run as a program.

It speaks the protocol with a handshake, over standard input and output.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

HOW = set(sys.argv[1:])
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
MALFORMED = [
    {"name": "no_schema"},
    {"name": "null_schema", "inputSchema": None},
    {"name": "text_schema", "inputSchema": "nope"},
    {"name": "array_schema", "inputSchema": {"type": "array"}},
    {"name": "", "inputSchema": SCHEMA},
    {"name": 7, "inputSchema": SCHEMA},
    "not a tool",
    {"name": "odd_hints", "inputSchema": SCHEMA, "annotations": {"destructiveHint": 7}},
    {"name": "empty_schema", "inputSchema": {}},
    {"name": "with.dots/and spaces", "inputSchema": SCHEMA},
    {"name": "echo", "inputSchema": SCHEMA, "description": "A second one of the same name."},
]
calls: list[str] = []


def write(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    sys.stdout.buffer.flush()


def tools() -> list[Any]:
    description = "Another promise." if "changes" in HOW and calls else "Repeat a text."
    listed: list[Any] = [{"name": "echo", "description": description, "inputSchema": SCHEMA}]
    if "malformed" in HOW:
        listed += MALFORMED
    if "output-schema" in HOW:
        listed[0]["outputSchema"] = {"type": "object", "required": ["never"]}
    if "changes" in HOW and calls:
        listed.append({"name": "new", "inputSchema": SCHEMA})
    return listed


def content(text: str) -> dict[str, Any]:
    if "blocks" in HOW:
        return {
            "content": [
                {"type": "text", "text": text},
                {"type": "hologram", "data": "?"},
                {"type": "image", "mimeType": "image/png", "data": "aGk="},
                {"type": "image", "mimeType": "image/png"},
                {"type": "resource_link", "uri": "file:///a", "name": "a"},
                {"type": "resource", "resource": {"uri": "file:///b", "text": "inside"}},
                "not a block",
            ]
        }
    if "structured" in HOW:
        return {"structuredContent": {"said": text}}
    return {"content": [{"type": "text", "text": text}]}


def call(number: object, params: dict[str, Any]) -> None:
    text = params["arguments"].get("text", "")
    calls.append(text)
    if "dies" in HOW and text == "die":
        os._exit(3)
    if "hangs" in HOW and text == "hang":
        return
    if "huge" in HOW and text == "huge":
        text = "x" * 30_000_000
    if text == "environment":
        text = " ".join(sorted(os.environ))
    if text == "pid":
        text = str(os.getpid())
    if "floods" in HOW:
        token = params["_meta"]["progressToken"]
        for step in range(2_000):
            progress = {"progressToken": token, "progress": step, "total": -1, "message": "x" * 99}
            write({"method": "notifications/progress", "params": progress})
    if "garbage" in HOW:
        sys.stdout.buffer.write(b"\xff\xfe in the middle\n{\n[]\n\n")
    write({"id": number, "result": content(text)})
    if "changes" in HOW:
        write({"method": "notifications/tools/list_changed"})


def main() -> None:
    if "stubborn" in HOW:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "child" in HOW:
        subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
    if "exits" in HOW:
        sys.exit("the licence has expired")
    if "garbage" in HOW:
        sys.stdout.write("Starting up!\n" + "\N{ESCAPE}[31m" * 3 + "\n")
        sys.stdout.flush()
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message["method"], message.get("id")
        if "silent" in HOW:
            continue
        if method == "initialize":
            about = {
                "protocolVersion": "1999-01-01" if "ancient" in HOW else "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "rogue", "version": "1"},
            }
            write({"id": number, "result": about})
        elif method == "tools/list":
            write({"id": number, "result": {"tools": tools()}})
        elif method == "tools/call":
            call(number, message["params"])
        elif number is not None:
            write({"id": number, "error": {"code": -32601, "message": "no such method"}})
    if "stubborn" in HOW:
        signal.pause()


if __name__ == "__main__":
    main()
