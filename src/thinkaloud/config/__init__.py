"""Loads the configuration file and the environment into one frozen tree of settings.

`THINKALOUD_SERVER__PORT=9000` overrides `port` under `[server]`, which overrides the default.
Nothing else in the package reads the environment. Keys end in their unit: `_seconds`, `_days`,
`_bytes`, `_chars`.
"""

from thinkaloud.config.loading import FILE_NAME, load, trust_file
from thinkaloud.config.settings import (
    DEFAULT_OWNER,
    ChannelsSection,
    Configuration,
    HostSection,
    ServerSection,
    Settings,
    StoreSection,
)
from thinkaloud.config.sources import PREFIX

__all__ = [
    "DEFAULT_OWNER",
    "FILE_NAME",
    "PREFIX",
    "ChannelsSection",
    "Configuration",
    "HostSection",
    "ServerSection",
    "Settings",
    "StoreSection",
    "load",
    "trust_file",
]
