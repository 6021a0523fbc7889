"""Leaving a stream stops the run; so does `agent.stop`, from anywhere."""

import asyncio
from contextlib import aclosing

from thinkaloud import Agent


async def main(model=None):
    async with Agent(model) as agent:
        stream = agent.stream("What is 12 * (3 + 4)?", conversation_id="sums")
        async with aclosing(stream):
            async for _, chunk in stream:
                print(f"enough after {chunk!r}")
                break
        history = await agent.get_conversation_history("sums")
        print(history.runs[-1].status)


if __name__ == "__main__":
    asyncio.run(main())
