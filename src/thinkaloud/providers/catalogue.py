"""The configured models: resolves model ids to models."""

import asyncio
import difflib
import importlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, cast

import msgspec

from thinkaloud.errors import ConfigurationError, ProviderError, UnknownModel
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.model import Dialect, ListedModel, Model, ModelInfo, ReasoningAbility
from thinkaloud.providers.client import Authentication, HttpModel, Sessions, list_models
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.families.table import family_of
from thinkaloud.providers.hosts.host import Host
from thinkaloud.providers.hosts.key import HeaderKey
from thinkaloud.providers.target import Target

_log: Final = logging.getLogger(__name__)
_LISTED_FOR_MS: Final = 300_000
_CLOUDS: Final = {
    "aws": "thinkaloud.providers.hosts.aws",
    "google": "thinkaloud.providers.hosts.google",
    "azure": "thinkaloud.providers.hosts.azure",
}


class ConfiguredHost(msgspec.Struct, frozen=True):
    """A host with the operator's configuration."""

    host: Host
    key: str | None = None
    models: tuple[str, ...] = ()
    """The models to offer; if empty, the host is asked."""
    headers: Mapping[str, str] = {}
    offered: bool = True
    """Whether its models are listed. Models of an unlisted host can still be opened by id."""
    quirks: dict[str, object] = {}
    """The operator's quirks, which override all built-in ones."""
    needs: str | None = None
    """The missing setting without which no request can be sent; None if nothing is missing."""
    environment: Mapping[str, str] = {}
    """Environment variables in which a cloud's library looks for credentials."""
    withholds_reasoning: bool = False
    """Whether the server's policy hides reasoning from all subscribers."""

    @property
    def missing_setting(self) -> str | None:
        """The missing setting without which no model can be called; None if nothing is missing."""
        if self.needs is not None:
            return self.needs
        if not self.host.key_required or self.key:
            return None
        return self.host.key_env[0] if self.host.key_env else "api_key_env"


class _CloudModule(Protocol):
    def connect(self, base_url: str, environment: Mapping[str, str]) -> Authentication: ...


class ConfiguredModels:
    """All configured models, and which of them is current."""

    def __init__(
        self,
        hosts: Sequence[ConfiguredHost],
        built_in: Sequence[Model],
        current: str,
        sessions: Sessions,
        clock: Clock,
        *,
        packages: Mapping[str, Callable[[], ConfiguredHost]] = {},
    ) -> None:
        """`packages` creates the hosts of other packages, which are loaded when first needed."""
        self._hosts = {configured.host.name: configured for configured in hosts}
        self._packages = dict(packages)
        self._broken: dict[str, ConfigurationError] = {}
        self._built_in = {model.info.id: model for model in built_in}
        self._current = current
        self._sessions = sessions
        self._clock = clock
        self._models: dict[str, Model] = {}
        self._authentications: dict[str, Authentication] = {}
        self._listed: dict[str, tuple[int, tuple[ListedModel, ...]]] = {}

    @property
    def current(self) -> str:
        """The id of the default model."""
        return self._current

    @property
    def hosts(self) -> Mapping[str, ConfiguredHost]:
        """The configured hosts by name."""
        return self._hosts

    def load_packages(self) -> Sequence[ConfigurationError]:
        """Load the hosts of other packages. Returns the errors of those that cannot be used."""
        for name in list(self._packages):
            try:
                self._host(name)
            except ConfigurationError as error:
                _log.warning("%s", error.message)
        return list(self._broken.values())

    async def models(self) -> Sequence[ModelInfo]:
        """List the models to choose from; for an unreachable host, only its default model."""
        if self._packages:
            await asyncio.to_thread(self.load_packages)
        hosts = [host for host in self._hosts.values() if host.offered]
        asked = await asyncio.gather(*(self._listed_models(host) for host in hosts))
        found = {info.id: info for infos in asked for info in infos}
        for model in self._built_in.values():
            found.setdefault(model.info.id, model.info)
        if self._current not in found:
            found[self._current] = self.open(self._current).info
        return list(found.values())

    async def ask(self, name: str, *, seconds: float = 15.0) -> Sequence[ListedModel]:
        """Fetch a host's model list, bypassing the cache. Raises `ProviderError`."""
        configured = self._hosts[name]
        host = configured.host
        if configured.needs is not None:
            raise ProviderError("provider_bad_request", _to_set(configured))
        try:
            dialect = bound(configured, "-")
            authentication = self._authentication(configured)
        except ConfigurationError as error:
            raise ProviderError("provider_auth", error.message) from error
        listed = await list_models(
            dialect, host.base_url, authentication, self._sessions, seconds=seconds
        )
        listed = listed or [ListedModel(model) for model in host.models]
        self._listed[name] = (self._clock.steady_ms(), tuple(listed))
        return listed

    def open(self, model_id: str | None) -> Model:
        """Return the model with this id, or the current one for None. Makes no network calls.

        Raises `UnknownModel` with similar names, or `ConfigurationError` if the host's key or
        another required setting is missing.
        """
        model_id = self._current if model_id is None else model_id
        model = self._built_in.get(model_id) or self._models.get(model_id)
        if model is None:
            model = self._models[model_id] = self._create_model(model_id)
        return model

    def switch(self, model_id: str) -> ModelInfo:
        """Make a model the current one for new runs. Raises the same errors as `open`."""
        info = self.open(model_id).info
        self._current = model_id
        return info

    def list_host(self, name: str) -> None:
        """Include a host's models in the list from now on."""
        self._hosts[name] = msgspec.structs.replace(self._hosts[name], offered=True)

    def known(self) -> list[str]:
        """Return the model ids that are known without a network call."""
        names = list(self._built_in)
        for configured in self._hosts.values():
            if not configured.offered:
                continue
            listed = self._listed.get(configured.host.name, (0, ()))[1]
            default = configured.host.default_model
            models = [*configured.models, *(model.name for model in listed)]
            models.extend([default] if default else [])
            names.extend(f"{configured.host.name}/{model}" for model in models)
        return list(dict.fromkeys(names))

    def _create_model(self, model_id: str) -> Model:
        name, slash, model = model_id.partition("/")
        configured = self._host(name)
        if configured is None or not slash or not model or not model.isprintable():
            raise UnknownModel(model_id, _nearest(model_id, self.known()))
        if configured.models and model not in configured.models:
            raise UnknownModel(model_id, _nearest(model_id, self.known()))
        host = configured.host
        if configured.missing_setting is not None:
            raise ConfigurationError(_to_set(configured))
        return HttpModel(
            model_info(configured, model, self._window(configured, model)),
            bound(configured, model),
            host.base_url,
            self._authentication(configured),
            self._sessions,
        )

    def _host(self, name: str) -> ConfiguredHost | None:
        """Return a host by name. Raises `ConfigurationError` if its package is broken."""
        if name in self._broken:
            raise self._broken[name]
        load = self._packages.pop(name, None)
        if load is not None:
            try:
                self._hosts[name] = load()
            except ConfigurationError as error:
                self._broken[name] = error
                raise
        return self._hosts.get(name)

    def _window(self, configured: ConfiguredHost, model: str) -> int | None:
        listed = self._listed.get(configured.host.name, (0, ()))[1]
        return next((each.max_tokens for each in listed if each.name == model), None)

    async def _listed_models(self, configured: ConfiguredHost) -> list[ModelInfo]:
        host = configured.host
        if configured.models:
            return [model_info(configured, model, None) for model in configured.models]
        at_ms, listed = self._listed.get(host.name, (None, ()))
        if at_ms is None or self._clock.steady_ms() - at_ms > _LISTED_FOR_MS:
            try:
                listed = await self.ask(host.name)
            except ProviderError:
                listed = [ListedModel(host.default_model)] if host.default_model else []
        return [model_info(configured, model.name, model.max_tokens) for model in listed]

    def _authentication(self, configured: ConfiguredHost) -> Authentication:
        host = configured.host
        found = self._authentications.get(host.name)
        if found is None:
            found = self._authentications[host.name] = _authenticate(configured)
        return found


def target_of(configured: ConfiguredHost, model: str) -> Target:
    """Return the target to bind a dialect to, for one model on a host.

    Quirks are merged field by field, later ones winning: the host's, the family's on this host,
    the operator's.
    """
    host = configured.host
    family = family_of(host, model, configured.quirks)
    return Target(
        host=host.name,
        dialect=host.dialect,
        base_url=host.base_url,
        model=model,
        family=msgspec.structs.replace(
            family, quirks={}, preopened=family.preopened and host.templates
        ),
        quirks={**host.quirks, **family.quirks, **configured.quirks},
        withholds_reasoning=configured.withholds_reasoning,
    )


def bound(configured: ConfiguredHost, model: str) -> Dialect:
    """Return the dialect for a model on a host.

    Raises `ConfigurationError` if the operator's quirks are not valid for the dialect.
    """
    host = configured.host
    try:
        return load_dialect(host.dialect)(target_of(configured, model))
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"hosts.{host.name}: invalid quirks for {host.dialect}: {error}."
        ) from error


def model_info(configured: ConfiguredHost, model: str, max_tokens: int | None) -> ModelInfo:
    """Describe a model based on its family. `max_tokens` is the value that its host lists."""
    host = configured.host
    family = family_of(host, model, configured.quirks)
    takes_images = {**host.quirks, **family.quirks, **configured.quirks}.get("images", True)
    return ModelInfo(
        id=f"{host.name}/{model}",
        name=model,
        provider=host.name,
        max_tokens=max_tokens or family.max_tokens,
        reasoning=ReasoningAbility(
            supported=family.reasons != "never",
            streams=family.shows in {"text", "summary"},
            efforts=family.efforts,
            budget=family.budget is not None,
        ),
        images=family.images and takes_images is True,
        max_output_tokens=family.max_output_tokens,
    )


def _nearest(model_id: str, known: Sequence[str]) -> list[str]:
    """Return known ids similar to an unknown one."""
    same_name = [name for name in known if name.rpartition("/")[2] == model_id.rpartition("/")[2]]
    close = difflib.get_close_matches(model_id, known, n=3, cutoff=0.5)
    return list(dict.fromkeys([*same_name, *close]))[:5]


def _authenticate(configured: ConfiguredHost) -> Authentication:
    host = configured.host
    if configured.key or host.credentials == "key":
        return HeaderKey(configured.key, host.key_style, configured.headers)
    cloud = cast("_CloudModule", importlib.import_module(_CLOUDS[host.credentials]))
    return cloud.connect(host.base_url, configured.environment)


def _to_set(configured: ConfiguredHost) -> str:
    what = "needs a key" if configured.needs is None else "is not set up"
    return f"{configured.host.title} {what}: set {configured.missing_setting}."
