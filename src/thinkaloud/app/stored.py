"""A runtime whose conversations and uploads are kept where the settings say."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from thinkaloud.app.runtime import Choices
from thinkaloud.app.storage import ephemeral_uploads, open_store, persistent_uploads
from thinkaloud.config import Configuration


@asynccontextmanager
async def stored(configuration: Configuration, choices: Choices) -> AsyncGenerator[Choices]:
    """Give the choices with the store and the uploads of the settings, where they name none.

    The store is open, and its data owned, for the length of the block. Raises as `open_store`.
    """
    lasts = choices.store is None and configuration.settings.store.kind == "sqlite"
    uploads = choices.uploads or (persistent_uploads if lasts else ephemeral_uploads)(configuration)
    if choices.store is not None:
        yield msgspec.structs.replace(choices, uploads=uploads)
        return
    async with open_store(configuration) as store:
        yield msgspec.structs.replace(
            choices,
            store=store,
            uploads=uploads,
            retention_days=configuration.settings.store.retention_days,
        )
