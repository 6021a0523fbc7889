"""The open sessions of a client, and their configuration options."""

import secrets
from collections.abc import Sequence
from typing import Final

from thinkaloud.cli.acp.messages import Choice, ConfigOption
from thinkaloud.cli.backend.backend import FollowedRun
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.prompt import EFFORT_LEVELS, EffortLevel
from thinkaloud.ports.model import ModelInfo

MAX_SESSIONS: Final = 256
"""Maximum number of sessions that a client can have open."""
MODEL: Final = "model"
EFFORT: Final = "effort"
_DEFAULT: Final = "default"


class Turn:
    """A prompt that is being answered."""

    def __init__(self) -> None:
        self.run: FollowedRun | None = None
        """None until the run has started."""
        self.cancelled = False


class Session:
    """An open session: a conversation, and how its next prompt is answered."""

    def __init__(self, session_id: str, model: str | None) -> None:
        self.session_id = session_id
        self.model = model
        """None: the current model of the server."""
        self.window: int | None = None
        """The context window of the model in tokens, if known."""
        self.effort: EffortLevel | None = None
        self.turn: Turn | None = None
        self.title = ""
        """The title that the client knows."""

    def options(self, model: ModelInfo, models: Sequence[ModelInfo]) -> tuple[ConfigOption, ...]:
        """Return the options; `model` is the current one, which `models` may lack."""
        names = {each.id: each.name for each in (model, *models)}
        choices = tuple([Choice(value=each, name=name) for each, name in names.items()])
        chosen = ConfigOption(
            id=MODEL, name="Model", category="model", current_value=model.id, options=choices
        )
        efforts = model.reasoning.efforts
        if not efforts:
            return (chosen,)
        levels = tuple(
            [Choice(value=each, name=each.capitalize()) for each in (_DEFAULT, *efforts)]
        )
        return chosen, ConfigOption(
            id=EFFORT,
            name="Reasoning effort",
            category="thought_level",
            current_value=self.effort or _DEFAULT,
            options=levels,
        )

    def use_model(self, model: ModelInfo) -> None:
        """Use another model, with its default effort if it lacks the selected one."""
        self.model = model.id
        if self.effort not in model.reasoning.efforts:
            self.effort = None

    def use_effort(self, value: str, model: ModelInfo) -> None:
        """Use another effort. Raises `InvalidRequest` if the current model doesn't have it."""
        if value == _DEFAULT:
            self.effort = None
            return
        for level in EFFORT_LEVELS:
            if value == level and level in model.reasoning.efforts:
                self.effort = level
                return
        raise InvalidRequest("The model does not have this reasoning effort.", field="value")


class Sessions:
    """The open sessions. `model` is the model of new ones."""

    def __init__(self, model: str | None) -> None:
        self._model = model
        self._open: dict[str, Session] = {}

    def create(self) -> Session:
        """Open a session with a new id."""
        return self.open(f"acp_{secrets.token_hex(8)}")

    def open(self, session_id: str) -> Session:
        """Open a session, unless it is open. Raises `InvalidRequest` if there are too many."""
        found = self._open.get(session_id)
        if found is not None:
            return found
        if len(self._open) >= MAX_SESSIONS:
            raise InvalidRequest(f"{MAX_SESSIONS} sessions are open. Close one of them.")
        session = self._open[session_id] = Session(session_id, self._model)
        return session

    def get(self, session_id: str) -> Session:
        """Return an open session. Raises `NotFound`."""
        session = self._open.get(session_id)
        if session is None:
            raise NotFound("No such session is open.")
        return session

    def close(self, session_id: str) -> Session | None:
        """Close a session and return it; None if it is not open."""
        return self._open.pop(session_id, None)
