"""The seam to a tool."""

from typing import Protocol

from thinkaloud.events.prompt import ToolSchema


class Tool(Protocol):
    """Something that a model may call."""

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters that the model sees."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is cancelled and reported as such."""
        ...

    async def call(self, arguments: dict[str, object]) -> str:
        """Do the work and return the text for the model.

        `arguments` was valid JSON of type object; whether it fits the schema is the tool's to
        check. Raises `thinkaloud.errors.ToolError` with a message that the model can act on.
        """
        ...
