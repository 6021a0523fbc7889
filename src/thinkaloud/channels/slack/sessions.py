"""The status of agent sessions: https://docs.slack.dev/ai/agent-sessions."""

import logging
from typing import Final

from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.slack.api import Refusal
from thinkaloud.channels.slack.job import METHODS, Tools

_LOCAL: Final = {"channel_not_found", "not_in_channel", "thread_not_found", "is_archived"}
"""Refusals that say nothing about other chats."""
_MAX_WORKING: Final = 4096
_UNSUBSCRIBED: Final = "missing_agent_session_stopped_event_subscription"
_log = logging.getLogger(__name__)


class Sessions:
    """Which threads show that the app is working."""

    def __init__(self, tools: Tools) -> None:
        self.streams: set[tuple[str, str]] = set()
        """The channels and threads where this process has an open stream. Slack sets the status of their sessions."""
        self._tools = tools
        self._working: set[tuple[str, str]] = set()
        self._warned = False

    async def set(self, chat: ChatAddress, thread: str, *, on: bool) -> None:
        """Show or hide that the app is working, if Slack's limits and the app's set-up allow it."""
        key = (chat.chat_id, thread)
        if not thread or key in self.streams or not self._tools.switches.sessions:
            return
        if not on and key not in self._working:
            return
        if not self._tools.pace.try_spend("status", chat):
            return
        try:
            answer = await self._tools.api.call(
                METHODS["status"],
                channel_id=chat.chat_id,
                thread_ts=thread,
                status="processing" if on else "active",
            )
        except Refusal as refusal:
            self._tools.switches.sessions = refusal.code in _LOCAL
            return
        except PlatformError:
            return
        if answer.get("warning") == _UNSUBSCRIBED and not self._warned:
            self._warned = True
            _log.warning(
                "channel %s: subscribe the app to agent_session_stopped to get a stop button",
                chat.channel,
            )
        if on:
            if len(self._working) >= _MAX_WORKING:
                self._working.clear()
            self._working.add(key)
        else:
            self._working.discard(key)
