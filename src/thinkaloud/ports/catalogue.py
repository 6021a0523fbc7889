"""The seam to the models that can be chosen."""

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
        """List what can be chosen, asking hosts that can list theirs."""
        ...

    def open(self, model_id: str | None) -> Model:
        """Return the model of this id (`host/model`), or the current one.

        Touches no network. Raises `UnknownModel` with the nearest names, or
        `ConfigurationError` where its host lacks a key.
        """
        ...

    def switch(self, model_id: str) -> ModelInfo:
        """Make a model the current one for new runs. Raises as `open`."""
        ...
