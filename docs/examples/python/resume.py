"""Stream a message over HTTP, and resume where the connection broke."""

import asyncio
import json
import sys
import uuid

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
            yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}


class Shown:
    """Prints what is new. A snapshot has everything up to its id: only the rest of it is new."""

    def __init__(self):
        self.lengths = {"reasoning": 0, "token": 0}

    def add(self, event, text):
        self.lengths[event] += len(text)
        print(text, end="", flush=True)

    def take(self, event, data):
        if event in self.lengths:
            self.add(event, data["token"])
        elif event == "snapshot":
            answer = data["messages"][-1]
            self.add("reasoning", answer["reasoning"][self.lengths["reasoning"] :])
            self.add("token", answer["text"][self.lengths["token"] :])
        elif event == "error":
            print(f"\n{data['message']}", file=sys.stderr)


async def main(url="http://127.0.0.1:8484"):
    body = {"text": "What is 12 * (3 + 4)?", "include_reasoning": True}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    shown = Shown()
    async with aiohttp.ClientSession(read_bufsize=2**24) as session:
        while True:
            request = session.post(f"{url}/api/v1/chat/stream-sse", json=body, headers=headers)
            try:
                async with request as response:
                    response.raise_for_status()
                    async for seq, event, data in frames(response):
                        shown.take(event, data)
                        headers["Last-Event-ID"] = seq
                        if event in TERMINAL:
                            return
            except aiohttp.ClientResponseError:
                raise
            except aiohttp.ClientError:
                print("\n[the connection broke: resuming]")
                await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
