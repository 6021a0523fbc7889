"""Stores the files of a message as uploads of the conversation's owner."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from thinkaloud.channels.platform.content import one_line
from thinkaloud.channels.platform.engine.runs import ChatRuns
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.message import InboundFile
from thinkaloud.errors import StoreError, UserError

MAX_FILES: Final = 10
"""The most files of one message."""
_FETCH_SECONDS: Final = 120.0
_log = logging.getLogger(__name__)


async def keep_files(
    runs: ChatRuns, owner: str, files: Sequence[InboundFile]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids of the stored files, and a sentence about each one that is not used."""
    kept: list[str] = []
    problems = [f"At most {MAX_FILES} files are read."] if len(files) > MAX_FILES else []
    for file in files[:MAX_FILES]:
        name = one_line(file.name, 100) or "file"
        try:
            kept.append(await _keep(runs, owner, name, file))
        except (UserError, PlatformError) as error:
            problems.append(f"{name} is not used: {error.message}")
        except StoreError:
            problems.append(f"{name} is not used: it cannot be saved.")
        except Exception as error:  # noqa: BLE001 - a platform's library may raise anything
            _log.warning("a file cannot be downloaded: %s", type(error).__name__)
            problems.append(f"{name} is not used: it cannot be downloaded.")
    return tuple(kept), tuple(problems)


async def _keep(runs: ChatRuns, owner: str, name: str, file: InboundFile) -> str:
    limit = runs.max_file_bytes
    if file.size is not None and file.size > limit:
        raise UserError(f"it has more than {limit:,} bytes.")
    async with asyncio.timeout(_FETCH_SECONDS):
        data = await file.fetch(limit)
    if len(data) > limit:
        raise UserError(f"it has more than {limit:,} bytes.")
    return await runs.keep_file(owner, name, data)
