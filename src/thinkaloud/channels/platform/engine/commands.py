"""The commands that people send as messages: `/new`, `/stop`, `/thinking`, `/why` and others."""

import difflib
from typing import Final

import msgspec

from thinkaloud.channels.markdown.plain import escaped
from thinkaloud.channels.platform.actions import COMMANDS
from thinkaloud.channels.platform.content import chat_content
from thinkaloud.channels.platform.engine.chats import Chats
from thinkaloud.channels.platform.engine.deliveries import Deliveries
from thinkaloud.channels.platform.engine.replies import Reply, WrongArgument, quoted
from thinkaloud.channels.platform.engine.runs import ChatRuns
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.settings import (
    THINKING_MODES,
    PlatformSettings,
    ThinkingMode,
)
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort
from thinkaloud.events.view import RunView
from thinkaloud.ports.model import ModelInfo

_NAMES: Final = frozenset(command.name for command in COMMANDS)
_MAX_COMMAND: Final = 300
_LISTED_MODELS: Final = 30
_WHY_CHARS: Final = 20_000
_DEFAULT: Final = "default"
"""The argument that returns to what is configured."""
_MEANINGS: Final = {
    "off": "reasoning is never shown",
    "live": "reasoning is shown while it streams, and folded when it is done",
    "folded": "reasoning is shown folded when it is done",
    "on_request": "reasoning is shown only to the person who sends {}why",
}
_POLICY: Final = "Reasoning is not available here."


class Command(msgspec.Struct, frozen=True):
    """A command and its argument."""

    name: str
    argument: str = ""
    prefix: str = "/"
    """What it began with. Replies name commands with the same prefix: Slack delivers no `/new`."""


class Caller(msgspec.Struct, frozen=True):
    """Who sent a command, and where."""

    chat: ChatAddress
    origin: Origin
    owner: str
    """Who owns the conversation."""


def parse_command(text: str) -> Command | None:
    """Return the command of a message: `/name`, `/name@bot` or `!name`. None for other text."""
    text = text.strip()
    if len(text) > _MAX_COMMAND or text[:1] not in {"/", "!"}:
        return None
    word, *argument = text[1:].split(maxsplit=1) if text[1:2].strip() else [""]
    name = word.partition("@")[0].casefold()
    return Command(name, " ".join(argument), text[0]) if name in _NAMES else None


class Commands:
    """Carries out the commands of one channel. People are authorised before."""

    def __init__(
        self,
        settings: PlatformSettings,
        runs: ChatRuns,
        chats: Chats,
        deliveries: Deliveries,
        *,
        reasoning_allowed: bool,
    ) -> None:
        self._settings = settings
        self._runs = runs
        self._chats = chats
        self._deliveries = deliveries
        self._reasoning_allowed = reasoning_allowed

    async def run(self, command: Command, caller: Caller) -> Reply | None:
        """Carry out a command and return the reply, if any. Raises `ThinkaloudError`."""
        match command.name:
            case "stop":
                return None if await self.stop(caller) else Reply("There is nothing to stop.")
            case "new":
                await self._chats.new_conversation(caller.chat, caller.owner)
                return Reply("Started a new conversation.")
            case "why":
                return await self.why(caller, prefix=command.prefix)
            case "help":
                return Reply(_help(command.prefix))
            case _:
                return await self._choose(command, caller)

    async def _choose(self, command: Command, caller: Caller) -> Reply:
        match command.name:
            case "thinking":
                return await self._thinking(command, caller)
            case "model":
                return await self._model(command, caller)
            case _:
                return await self._effort(command, caller)

    async def stop(self, caller: Caller, run_id: str | None = None) -> bool:
        """Stop the active run of a chat (only this one, if given). Returns whether there was one."""
        for delivery in self._deliveries.of(caller.chat):
            order, found = delivery.record.order, delivery.record.run_id
            if found is None or run_id not in {None, found}:
                continue
            if await self._runs.stop(order.owner, order.conversation_id, found):
                return True
        return False

    async def why(self, caller: Caller, run_id: str | None = None, *, prefix: str = "/") -> Reply:
        """Return the reasoning of a run of this chat, by default of the latest that has some."""
        mode = await self._chats.mode(caller.chat, is_group=caller.origin.is_group)
        if not self._reasoning_allowed:
            return Reply(_POLICY)
        if mode == "off":
            text = "Reasoning is off in this chat. `{0}thinking on_request` allows `{0}why`."
            return Reply(text.format(prefix))
        run = await self._thought_of(caller, run_id)
        content = chat_content(run, "live") if run is not None else None
        if content is None or not content.thought_text.strip():
            return Reply("There is no reasoning to show.", private=True)
        text = content.thought_text
        if len(text) > _WHY_CHARS:
            text = text[:_WHY_CHARS] + "…"
        title = "Thinking…" if content.thinking else f"Thought for {content.thought_seconds} s"
        quoted = "\n".join(f"> {line}" for line in escaped(text).splitlines())
        return Reply(f"**{title}**\n\n{quoted}", private=True)

    async def _thought_of(self, caller: Caller, run_id: str | None) -> RunView | None:
        chat, owner = caller.chat, caller.owner
        if run_id is None:
            conversation = await self._chats.conversation(chat, owner)
            return await self._runs.latest(owner, conversation)
        found = await self._runs.run(owner, run_id)
        if found is None or not await self._chats.owns(chat, owner, found[0]):
            return None
        return found[1]

    async def _thinking(self, command: Command, caller: Caller) -> Reply:
        argument = command.argument
        chat, is_group = caller.chat, caller.origin.is_group
        if not self._reasoning_allowed:
            return Reply(_POLICY)
        if argument:
            mode = _mode(argument)
            choices = await self._chats.choices(chat)
            await self._chats.choose(chat, msgspec.structs.replace(choices, thinking=mode))
            return Reply(f"Set to `{mode}`: {_MEANINGS[mode].format(command.prefix)}.")
        now = await self._chats.mode(chat, is_group=is_group)
        lines = [
            f"- `{mode}`: {meaning.format(command.prefix)}" for mode, meaning in _MEANINGS.items()
        ]
        return Reply(
            f"The mode is `{now}`. To change it, send `{command.prefix}thinking MODE`:\n\n"
            + "\n".join(lines)
        )

    async def _model(self, command: Command, caller: Caller) -> Reply:
        argument = command.argument
        choices = await self._chats.choices(caller.chat)
        if argument.casefold() == _DEFAULT:
            await self._chats.choose(caller.chat, msgspec.structs.replace(choices, model=None))
            return Reply(f"Set to `{self._model_of(None).id}`.")
        if argument:
            info = self._runs.model(argument)
            effort = choices.reasoning_effort
            keeps = effort is not None and _supports(effort, info)
            choices = msgspec.structs.replace(
                choices, model=info.id, reasoning_effort=effort if keeps else None
            )
            await self._chats.choose(caller.chat, choices)
            return Reply(f"Set to `{info.id}`.")
        models = await self._runs.models()
        listed = "\n".join(f"- `{info.id}`" for info in models[:_LISTED_MODELS])
        more = f"\n\n{len(models) - _LISTED_MODELS} more." if len(models) > _LISTED_MODELS else ""
        now = self._model_of(choices.model).id
        return Reply(
            f"The model is `{now}`. To change it, send `{command.prefix}model ID`:\n\n{listed}{more}"
        )

    async def _effort(self, command: Command, caller: Caller) -> Reply:
        argument = command.argument
        choices = await self._chats.choices(caller.chat)
        info = self._model_of(choices.model)
        if argument.casefold() == _DEFAULT:
            choices = msgspec.structs.replace(choices, reasoning_effort=None)
            await self._chats.choose(caller.chat, choices)
            return Reply("Set to the default.")
        if argument:
            effort = _effort(argument, info)
            choices = msgspec.structs.replace(choices, reasoning_effort=effort)
            await self._chats.choose(caller.chat, choices)
            return Reply(f"Set to `{effort}`.")
        now = choices.reasoning_effort or self._settings.reasoning_effort or "default"
        return Reply(
            f"The effort is `{now}`. To change it, send `{command.prefix}effort LEVEL`."
            f" Levels of `{info.id}`: {_efforts(info)}."
        )

    def _model_of(self, chosen: str | None) -> ModelInfo:
        return self._runs.model(chosen or self._settings.model)


def _mode(argument: str) -> ThinkingMode:
    wanted = argument.casefold().replace("-", "_")
    for mode in THINKING_MODES:
        if mode == wanted:
            return mode
    near = difflib.get_close_matches(wanted, THINKING_MODES, 1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    modes = ", ".join(f"`{mode}`" for mode in THINKING_MODES)
    raise WrongArgument(f"There is no mode {quoted(argument)}. Choose {modes}.{hint}")


def _effort(argument: str, info: ModelInfo) -> Effort:
    wanted = argument.casefold()
    effort: Effort | None = next((level for level in EFFORT_LEVELS if level == wanted), None)
    if effort is None and wanted.isascii() and wanted.isdigit() and 0 < len(wanted) < 8:
        effort = int(wanted)
    if not effort or not _supports(effort, info):
        choices = _efforts(info)
        raise WrongArgument(f"`{info.id}` has no effort {quoted(argument)}. Choose: {choices}.")
    return effort


def _supports(effort: Effort, info: ModelInfo) -> bool:
    if isinstance(effort, int):
        return info.reasoning.budget
    return effort in info.reasoning.efforts


def _efforts(info: ModelInfo) -> str:
    choices = [f"`{level}`" for level in info.reasoning.efforts]
    if info.reasoning.budget:
        choices.append("a number of tokens")
    return ", ".join([*choices, "`default`"])


def _help(prefix: str) -> str:
    lines = [
        f"- `{prefix}{command.name}{' ' + command.argument if command.argument else ''}`:"
        f" {command.description[0].lower()}{command.description[1:]}"
        for command in COMMANDS
    ]
    return (
        "Send a message to talk to the model. Commands, which begin with `/` or `!`:\n\n"
        + "\n".join(lines)
    )
