"""Step 1: ask, and watch the thought arrive."""

import asyncio

from thinkaloud import Agent


async def main(model=None):
    async with Agent(model) as agent:
        stream = agent.stream("What is 12 * (3 + 4)?", include_reasoning=True)
        async for message_type, chunk in stream:
            color = "\033[2m" if message_type == "reasoning" else "\033[0m"
            print(color + chunk, end="", flush=True)
        print()


if __name__ == "__main__":
    asyncio.run(main())
