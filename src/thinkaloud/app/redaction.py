"""Builds the redaction from the configuration and from installed packages."""

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from thinkaloud.config import Configuration
from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.core.redaction.rule import Rule
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.principal import ReasoningPolicy

GROUP: Final = "thinkaloud.redactors"
"""Entry points: a sequence of `Rule`, or a function that returns one."""


def redaction_of(configuration: Configuration) -> Redaction:
    """Return how reasoning is redacted.

    Raises `ConfigurationError` for a pattern that can't be used, or a package that is broken.
    """
    settings = configuration.settings.redaction
    # Check each source by itself, so that the error names it.
    added = [rule for found in entry_points(group=GROUP) for rule in _loaded(found)]
    own = [Rule(name, pattern) for name, pattern in settings.patterns.items()]
    for rule in own:
        try:
            Redactor([rule])
        except ValueError as error:
            source = configuration.file or "the environment"
            raise ConfigurationError(f"{source}: redaction.patterns.{error}.") from error
    return Redaction(Redactor([*own, *added]), settings.answers)


def hides_any_reasoning(configuration: Configuration) -> bool:
    """Whether any policy in the configuration hides or redacts reasoning."""
    settings = configuration.settings
    channels = settings.channels
    policies: list[ReasoningPolicy] = [
        settings.server.show_reasoning,
        *(role.reasoning for role in settings.auth.roles.values()),
        channels.websocket.reasoning,
        *(channel.reasoning for channel in channels.plugins.values()),
        *(channel.reasoning for channel in channels.platforms.values()),
    ]
    return any(policy != "allow" for policy in policies)


def _loaded(found: EntryPoint) -> list[Rule]:
    try:
        given: object = found.load()
        rules: object = cast("Callable[[], object]", given)() if callable(given) else given
        listed = list(cast("Iterable[object]", rules))
        checked = [rule for rule in listed if isinstance(rule, Rule)]
        if len(checked) < len(listed):
            raise TypeError("it must be a sequence of thinkaloud.core.redaction.rule.Rule")
        Redactor(checked)
    except Exception as error:
        package = found.dist.name if found.dist is not None else "an installed package"
        raise ConfigurationError(
            f"{GROUP}: {found.name} = {found.value} of {package} can't be used: {error}."
            " Update or uninstall the package."
        ) from error
    return checked
