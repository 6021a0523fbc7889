"""Tools: functions that a model may call."""

import asyncio
from typing import Annotated, Literal

from msgspec import Meta
from thinkaloud import ToolError, tool
from thinkaloud.ports.tool import AnyTool
from thinkaloud.tools import ToolContext, ToolScope

RATES = {("EUR", "USD"): 1.1, ("USD", "EUR"): 0.9}


@tool
def convert(
    amount: Annotated[float, Meta(ge=0)],
    source: Literal["EUR", "USD"],
    target: Literal["EUR", "USD"] = "EUR",
) -> float:
    """Convert an amount of money.

    Args:
        amount: how much, in the source currency.
        source: the currency to convert from.
        target: the currency to convert to.
    """
    if source == target:
        raise ToolError("source and target are the same: nothing to convert.")
    return round(amount * RATES[source, target], 2)


@tool(name="wait", timeout=5.0)
async def wait_for(seconds: float) -> str:
    """Wait a while."""
    await asyncio.sleep(seconds)
    return f"Waited {seconds:g} s."


@tool
async def send(run: ToolContext, papers: list[str]) -> str:
    """Send papers to a colleague."""
    for number, name in enumerate(papers):
        run.progress(f"Sending {name}", progress=number, total=len(papers))
        await asyncio.sleep(0)
    return f"Sent {len(papers)} papers for {run.scope.owner}."


class Desks:
    """One more tool for those who have a desk."""

    async def tools(self, scope: ToolScope) -> list[AnyTool]:
        return [send] if scope.owner == "local" else []
