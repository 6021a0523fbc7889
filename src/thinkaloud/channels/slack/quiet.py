"""A logger for Slack's library that says nothing: it would print tokens, tickets and whole messages."""

import logging
from typing import Final

_NAME: Final = "thinkaloud.channels.slack.library"


def quiet_logger() -> logging.Logger:
    """Return the logger. The channel logs what matters itself."""
    logger = logging.getLogger(_NAME)
    logger.disabled = True
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    return logger
