"""The port for tools."""

from typing import Protocol

from thinkaloud.events.prompt import ToolSchema


class Tool(Protocol):
    """A tool that a model can call."""

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters sent to the model."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is cancelled and reported as timed out."""
        ...

    async def call(self, arguments: dict[str, object]) -> str:
        """Execute the call and return the text for the model.

        `arguments` is a decoded JSON object; the tool must validate it against the schema itself.
        Raises `thinkaloud.errors.ToolError` with a message that the model can act on.
        """
        ...
