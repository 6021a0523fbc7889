"""The same with a callback, for code that has one already."""

import asyncio

from thinkaloud import Agent


async def on_chunk(chunk: str, message_type: str) -> None:
    print(f"{message_type}: {chunk!r}")


async def main(model=None):
    async with Agent(model) as agent:
        await agent.chat(
            "What is 12 * (3 + 4)?", streaming=True, on_chunk=on_chunk, include_reasoning=True
        )


if __name__ == "__main__":
    asyncio.run(main())
