"""A failed run: what was said before it failed is not lost."""

import asyncio

from thinkaloud import Agent, RunFailed


async def main(model=None):
    async with Agent(model) as agent:
        try:
            reply = await agent.chat("What is 12 * (3 + 4)?")
            print(reply["assistant_response"])
        except RunFailed as failure:
            print(f"{failure.code}: {failure.message}")
            print(f"so far: {failure.partial!r}, worth another try: {failure.retryable}")


if __name__ == "__main__":
    asyncio.run(main())
