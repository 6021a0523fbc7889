"""The port for tools, and for sources of tools."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from thinkaloud.events.content import ContentBlock
from thinkaloud.events.prompt import ToolSchema

Approval = Literal["never", "ask", "always_ask"]
"""Whether a person has to approve a call. `always_ask`: an approval is never remembered."""


class Tool(Protocol):
    """A tool that a model can call.

    It may have these attributes: `approval`, an `Approval` (by default, its calls need none);
    `title`, its name for people; `server`, the MCP server that has it; `editable`, whether an
    approval may change the arguments (by default, it may); and `fingerprint`, what identifies its
    definition (by default, a hash of it).
    """

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters sent to the model."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is cancelled and reported as timed out.

        The time in which it waits for an answer to a question doesn't count.
        """
        ...

    async def call(self, arguments: dict[str, object]) -> str:
        """Execute the call and return the text for the model.

        `arguments` is a decoded JSON object; the tool must validate it against the schema itself.
        Raises `thinkaloud.errors.ToolError` with a message that the model can act on.
        """
        ...


class ToolOutput(msgspec.Struct, frozen=True):
    """The result of a call, as content blocks."""

    content: tuple[ContentBlock, ...]
    is_error: bool = False


class ToolScope(msgspec.Struct, frozen=True):
    """The run that tools are offered to."""

    owner: str
    conversation_id: str
    run_id: str


class Answer(msgspec.Struct, frozen=True):
    """A person's answer to a question."""

    action: Literal["accept", "decline", "cancel"]
    """`cancel`: nobody answered it before it expired, the run was stopped or the server ended."""
    content: dict[str, object] | None = None
    """The values of the form, if it was accepted."""


class ToolContext(Protocol):
    """What a call can know of its run, and do besides returning a result."""

    @property
    def scope(self) -> ToolScope:
        """The run, its conversation and their owner."""
        ...

    @property
    def tool_call_id(self) -> str:
        """The id of this call, unique in its run."""
        ...

    def progress(
        self, message: str = "", *, progress: float | None = None, total: float | None = None
    ) -> None:
        """Report progress to the followers of the run, without waiting for them.

        Reports may be dropped if there are too many.
        """
        ...

    async def ask(
        self, message: str, schema: dict[str, object] | None = None, *, url: str | None = None
    ) -> Answer:
        """Ask the owner of the run a question and wait for the answer.

        `schema` is a JSON Schema of type `object` with the fields of a form; `url` is a page to
        open instead. Raises `thinkaloud.errors.ToolError` if the question is invalid.
        """
        ...


class ContextTool(Protocol):
    """A tool that gets the context of its call, and returns content blocks.

    It may have the same attributes as a `Tool`.
    """

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters sent to the model."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which a call is cancelled and reported as timed out."""
        ...

    async def call_in(self, context: ToolContext, arguments: dict[str, object]) -> ToolOutput:
        """Execute the call. Like `Tool.call`, with a context, and with content as the result."""
        ...


AnyTool = Tool | ContextTool


class ToolSource(Protocol):
    """Tools that may change, or differ from run to run."""

    async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
        """Return the tools that this run may call now.

        Called before every model call, so it returns what it knows and waits for no server. A
        model's call is executed by the tool in the listing that the model was sent. An exception
        leaves out the tools of this source, and nothing else.
        """
        ...
