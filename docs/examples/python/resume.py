"""Follow a run over HTTP, and go on where the connection broke."""

import asyncio
import json
import sys

import aiohttp

TERMINAL = {"complete", "error"}


async def frames(response):
    """Read the frames of one connection: `(seq, event, data)`."""
    fields = {}
    async for line in response.content:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name in {"id", "event", "data"}:
            fields[name] = value
        elif not name and "event" in fields:
            yield fields.get("id"), fields["event"], json.loads(fields["data"])
            fields = {}


async def main(url="http://127.0.0.1:8484"):
    api = f"{url}/api/v1"
    body = {"text": "What is 12 * (3 + 4)?", "include_reasoning": True}
    run_id, last = None, None
    async with aiohttp.ClientSession() as session:
        while True:
            if run_id is None:
                request = session.post(f"{api}/chat/stream-sse", json=body)
            else:
                request = session.get(
                    f"{api}/runs/{run_id}/events?include_reasoning=true",
                    headers={"Last-Event-ID": last},
                )
            try:
                async with request as response:
                    response.raise_for_status()
                    async for seq, event, data in frames(response):
                        last = seq or last
                        run_id = run_id or data.get("run_id")
                        if event in {"reasoning", "token"}:
                            print(data["token"], end="", flush=True)
                        elif event in TERMINAL:
                            return
            except aiohttp.ClientPayloadError:
                print("\n[the connection broke: resuming]")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
