"""The port for the available models."""

from collections.abc import Sequence
from typing import Protocol

from thinkaloud.ports.model import Model, ModelInfo


class Catalogue(Protocol):
    """The configured models."""

    @property
    def current(self) -> str:
        """The id of the default model."""
        ...

    async def models(self) -> Sequence[ModelInfo]:
        """List the available models, including those that hosts report themselves."""
        ...

    def open(self, model_id: str | None) -> Model:
        """Return the model with this id (`host/model`), or the current one.

        Makes no network request. Raises `UnknownModel` with similar names, or
        `ConfigurationError` if the host has no API key.
        """
        ...

    def switch(self, model_id: str) -> ModelInfo:
        """Make a model the default for new runs. Raises the same errors as `open`."""
        ...
