"""One call, one reply, with the reasoning in it."""

import asyncio

from thinkaloud import Agent


async def main(model=None):
    async with Agent(model) as agent:
        reply = await agent.chat("What is 12 * (3 + 4)?", include_reasoning=True)
        print("thought:", reply["reasoning"])
        print("answer:", reply["assistant_response"])
        print("tools:", [action["action"] for action in reply["action_results"]])
        print("model calls:", reply["iterations"])


if __name__ == "__main__":
    asyncio.run(main())
