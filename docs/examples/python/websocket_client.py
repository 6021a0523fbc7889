"""The chat WebSocket. Needs `websockets`; any WebSocket client will do."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect


async def main(url="ws://127.0.0.1:8484"):
    async with connect(f"{url}/api/v1/chat/stream") as socket:
        message = {"text": "What is 12 * (3 + 4)?", "include_reasoning": True}
        await socket.send(json.dumps(message))
        async for text in socket:
            frame = json.loads(text)
            match frame["event"]:
                case "reasoning" | "token":
                    print(frame["data"]["token"], end="", flush=True)
                case "complete":
                    print("\n", frame["data"]["timing"])
                    break
                case "error":
                    print(frame["data"]["code"], frame["data"]["message"])
                    if frame["run_id"] is not None:
                        break  # the run has ended; without a run_id nothing has


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
