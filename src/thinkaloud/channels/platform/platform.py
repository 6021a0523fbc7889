"""The seam between the layer and a chat platform."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import msgspec
from typing_extensions import override

from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.message import ChatAddress, ChatMessage, Origin, Sender
from thinkaloud.ports.clock import Clock

S = TypeVar("S", bound=msgspec.Struct)


class Budget(msgspec.Struct, frozen=True):
    """A platform's rate limit: `capacity` calls in any `per_seconds`."""

    name: str
    capacity: int
    per_seconds: float
    scope: Literal["channel", "chat", "group"] = "channel"
    """Who shares it: the whole channel, each chat by itself, or each chat that is a group."""
    reserve: int | None = None
    """How much of the capacity only final content may use. None: a quarter."""


class Limits(msgspec.Struct, frozen=True):
    """How often the layer calls `Platform.show` and `Platform.typing`."""

    edit_seconds: float = 1.0
    """Least time between two calls of `show` for a chat. The final call doesn't wait for it,
    unless `pace_final` is set."""
    group_edit_seconds: float = 3.0
    """The same in groups."""
    pace_final: bool = False
    """Whether the final call waits for `edit_seconds` too."""
    budgets: Sequence[Budget] = ()
    """All budgets. Calls count only if `show_spends` names the budget, or the platform spends it."""
    show_spends: Sequence[str] = ()
    """The budgets of which each call of `show` spends one."""
    refresh_seconds: float | None = None
    """While a run is active without new content, call `show` this often (drafts that expire, a
    clock). None: only with new content."""
    typing_seconds: float | None = None
    """While a run is active, call `typing` this often. None: once at the start and once at the end."""


class Check(msgspec.Struct, frozen=True):
    """A line of `thinkaloud channels test` and `doctor`."""

    name: str
    """What was checked: `token`, `scopes`, `connection`."""
    ok: bool
    detail: str
    """What was found, and if it is wrong, what to do. No secrets."""


class Sent(Protocol):
    """What a platform has sent for one run in one chat: its own record, persisted by the layer."""

    def load(self, kind: type[S]) -> S | None:
        """Return the record; None if there is none, or an older version wrote another format."""
        ...

    async def save(self, record: msgspec.Struct) -> None:
        """Persist the record. Call it after everything that a restart must not repeat."""
        ...


class Inbox(Protocol):
    """Where a platform delivers what it receives. Every call checks access itself.

    Calls return soon, when a crash can't lose the input (a message with files: before they are
    downloaded); acknowledge it to the platform afterwards. They wait neither for the run nor for
    replies, and raise nothing that the platform has to handle.
    """

    async def receive(self, message: ChatMessage) -> None:
        """Handle a message or a command."""
        ...

    async def stopped(self, chat: ChatAddress, sender: Sender | None) -> None:
        """Handle the platform's own stop button. `sender` is None if the platform doesn't say who,
        which is only accepted in direct chats whose `chat_id` is the person's id."""
        ...

    async def chose(self, chat: ChatAddress, origin: Origin, action: str) -> None:
        """Handle a button. `action` is a name of `actions.py`: `why:RUN`, `stop:RUN`."""
        ...

    async def allows(
        self, sender: Sender, chat: ChatAddress | None = None, community: str = ""
    ) -> bool:
        """Whether this person may use the channel (and, with `chat`, that group of a community)."""
        ...


class Pace(Protocol):
    """The budgets of a channel, shared by all its chats."""

    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None:
        """Wait until a call fits into a budget, and count it. `final` may use the reserve."""
        ...

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        """Count a call if it fits into a budget now, as `spend` would; else return False."""
        ...


class Storage(Protocol):
    """A channel's own small values (cursors, login tokens, device ids), persisted."""

    async def get(self, key: str) -> bytes | None:
        """Return a value."""
        ...

    async def put(self, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        ...

    async def delete(self, key: str) -> bool:
        """Delete a value. Returns whether there was one."""
        ...


class PlatformContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the layer gives a platform."""

    name: str
    """The channel's name, for `ChatAddress.channel` and logs."""
    environment: Mapping[str, str]
    """Where secrets are, by the names in the settings."""
    clock: Clock
    pace: Pace
    storage: Storage
    rendering: Rendering = msgspec.field(default_factory=Rendering)
    """Renders long texts outside the event loop."""
    folder: Path | None = None
    """A private folder for files of the library (an encryption store); None if nothing persists.
    It need not exist yet."""

    @override
    def __repr__(self) -> str:
        """Without the environment."""
        return f"PlatformContext({self.name!r})"


class Platform(Protocol):
    """A connection to a chat platform. Import its library when it starts, not with the module."""

    @property
    def limits(self) -> Limits:
        """The pace. Constant."""
        ...

    async def run(self, inbox: Inbox, ready: Callable[[], None]) -> None:
        """Connect, call `ready` once messages can arrive, and receive until cancelled.

        Reconnects by itself where the library does. An exception or a return makes the layer
        create a new platform after a backoff. Raises `Misconfigured` if only the operator can help.
        """
        ...

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """Move the chat one step toward this content. Returns whether it is all there.

        Called again with newer content, or with the same after False or an error. Must be
        idempotent: `sent` says what is already there, also after a restart. Makes no call if what
        it would send is what it sent. Called for one run of a chat at a time.
        Raises `RetryLater`, `Transient` or `Rejected`.
        """
        ...

    async def say(
        self,
        chat: ChatAddress,
        markdown: str,
        *,
        origin: Origin | None = None,
        private: bool = False,
    ) -> bool:
        """Send a message of the server itself: replies to commands, pairing codes, `/why`.

        With `private`, only `origin.sender` may see it: in a group where the platform can't do
        that, sends nothing and returns False. Splits what is too long, and sends it with
        `send_parts`, because after an error the layer says all of it again. Raises as `show`.
        """
        ...

    async def typing(self, chat: ChatAddress, origin: Origin, *, on: bool) -> None:
        """Show or hide the typing indicator, if there is one, whatever the mode. Errors are ignored.

        An indicator that depends on the mode belongs into `show`, with `refresh_seconds`.
        """
        ...

    async def check(self) -> Sequence[Check]:
        """Check token, scopes and reachability without receiving. Works without `run`."""
        ...

    async def close(self) -> None:
        """Release everything. Called once, after `run` has ended; `say` may still be called before."""
        ...
