"""Builds the turns of a prompt from the messages of a client that keeps the conversation itself.

Every protocol has the same rules, so a protocol only feeds its messages into a `HistoryBuilder`:

- Reasoning of the assistant is never taken from the client, unless its signature proves that the
  server sent it: see `turn_memory` and `signatures`.
- A tool result must belong to a call of the message before it. Nothing in a history is executed.
- A call without a result gets one that says so, because providers require a result for each call.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.core.prompt_history import NO_RESULT
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.event import Attachment
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Image,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.protocols.turn_memory import TurnMemory

MAX_CALLS: Final = 1_000
"""Maximum number of tool calls in one message of a history."""


class GivenHistory(msgspec.Struct, frozen=True):
    """The conversation that a request brought."""

    system: str | None
    """All instructions of the client, in order."""
    turns: tuple[Turn, ...]
    """Everything before the last message of the user."""
    text: str
    """The last message; empty if the conversation ends with something else."""
    images: tuple[Image, ...]
    """The images of the last message."""
    tool_results: tuple[ToolResult, ...]
    """The results after the last response, for a conversation that is stored here."""

    @property
    def last(self) -> Turn | None:
        """The turn that the model responds to."""
        if self.text or self.images:
            return UserTurn(self.text, self.images)
        return self.turns[-1] if self.turns else None

    def request(self, stored_in: str | None) -> RunRequest:
        """Return the request for a run: in a stored conversation, or else with this history.

        A stored conversation has its own history: the request adds the messages after its last
        response.
        """
        images = tuple(
            Attachment(f"image-{number}", image.media_type, base64=image.base64)
            for number, image in enumerate(self.images, start=1)
        )
        if stored_in is None:
            return RunRequest(
                self.text,
                temporary=True,
                instructions=self.system,
                history=self.turns,
                images=images,
            )
        return RunRequest(
            self.text,
            stored_in,
            instructions=self.system,
            images=images,
            tool_results=self.tool_results,
        )


class HistoryBuilder:
    """Collects the messages of a request, in order. `owner` is the owner of the request.

    `has_ids` is whether the protocol has ids of tool calls: otherwise, those that are given here
    are replaced by the real ones, see `calls`.
    """

    def __init__(self, owner: str, memory: TurnMemory, *, has_ids: bool = True) -> None:
        self._owner = owner
        self._memory = memory
        self._has_ids = has_ids
        self._system: list[str] = []
        self._turns: list[Turn] = []
        self._user_messages: list[UserTurn] = []
        """The adjacent messages of the user that are to become one turn."""
        self._calls: tuple[ToolCallPart, ...] = ()
        self._names: dict[str, str] = {}
        """The names of the tools that were called, by the ids of the calls."""
        self._results: dict[str, ToolResult] = {}
        self._returned: list[ToolResult] = []
        self._pictures: list[Image] = []
        """The images of the results since the last response."""

    def system(self, text: str) -> None:
        """Add instructions."""
        if text:
            self._system.append(text)

    def user(self, text: str, images: Sequence[Image] = ()) -> None:
        """Add a message of the user. Adjacent ones become one turn, as all providers expect."""
        self._close_calls()
        # Joined once: a request can have a hundred thousand of them.
        self._user_messages.append(UserTurn(text, tuple(images)))

    def assistant(
        self, text: str, calls: Sequence[ToolCallPart] = (), signed: Sequence[str] = ()
    ) -> None:
        """Add a response: what the client has of it. Raises `InvalidRequest`.

        `signed` is reasoning with a valid signature. It counts only if the memory has lost the
        response.
        """
        self._close_calls()
        self._close_user_turn()
        if len(calls) > MAX_CALLS:
            raise InvalidRequest(f"A message has more than {MAX_CALLS} tool calls.")
        self._returned = []
        before = self._turns[-1] if self._turns else None
        names = [(call.tool_call_id if self._has_ids else "", call.name) for call in calls]
        known = self._memory.recall(self._owner, before, text, names)
        if known is not None:
            self._turns.extend(known.turns)
            last = known.turns[-1]
            parts = last.parts if isinstance(last, AssistantTurn) else ()
            self._open_calls([part for part in parts if isinstance(part, ToolCallPart)])
            self._results = {result.tool_call_id: result for result in known.results}
            for name in self._results:  # Only the client's own tools have results from it.
                self._names.pop(name, None)
        elif text or calls:
            reasoning = [ReasoningPart(each) for each in signed]
            answer = [AnswerPart(text)] if text else []
            self._turns.append(AssistantTurn((*reasoning, *answer, *calls)))
            self._open_calls(calls)

    @property
    def calls(self) -> tuple[ToolCallPart, ...]:
        """The tool calls of the last response."""
        return self._calls

    def result(
        self,
        tool_call_id: str,
        text: str,
        images: Sequence[Image] = (),
        *,
        is_error: bool = False,
    ) -> None:
        """Add the result of a call. Raises `InvalidRequest` if no call before it has this id.

        Most providers take images from the user only, so those of results become a message after
        all results.
        """
        name = self._names.get(tool_call_id)
        if name is None:
            raise InvalidRequest(
                f"A tool result has the id {tool_call_id!r}, but the response before it has no such"
                " tool call.",
                field="messages",
            )
        found = ToolResult(tool_call_id, name, text, is_error)
        self._results[tool_call_id] = found
        self._returned.append(found)
        self._pictures.extend(images)

    def build(self) -> GivenHistory:
        """Return the conversation. Raises `InvalidRequest` if it is empty."""
        self._close_calls()
        self._close_user_turn()
        if not self._turns:
            raise InvalidRequest("The request has no message.", field="messages")
        last = self._turns[-1]
        asked = last if isinstance(last, UserTurn) else UserTurn("")
        turns = self._turns[:-1] if last is asked else self._turns
        system = "\n\n".join(self._system) or None
        return GivenHistory(system, tuple(turns), asked.text, asked.images, tuple(self._returned))

    def _close_user_turn(self) -> None:
        """End the turn of the user."""
        if self._user_messages:
            text = "\n\n".join([turn.text for turn in self._user_messages if turn.text])
            images = [image for turn in self._user_messages for image in turn.images]
            self._turns.append(UserTurn(text, tuple(images)))
            self._user_messages = []

    def _open_calls(self, calls: Sequence[ToolCallPart]) -> None:
        self._calls = tuple(calls)
        self._names = {call.tool_call_id: call.name for call in reversed(calls)}

    def _close_calls(self) -> None:
        """End the results of the last response's calls."""
        if not self._calls:
            return
        results = [self._results.get(call.tool_call_id) or _missing(call) for call in self._calls]
        self._turns.append(ToolTurn(tuple(results)))
        if self._pictures:
            self._user_messages.append(UserTurn("", tuple(self._pictures)))
            self._pictures = []
        self._calls, self._results, self._names = (), {}, {}


def _missing(call: ToolCallPart) -> ToolResult:
    return ToolResult(call.tool_call_id, call.name, NO_RESULT, is_error=True)
