"""Hosts by name: built in or from other packages. Others are configured as `[hosts.NAME]`."""

import re
from typing import Final
from urllib.parse import urlsplit

from thinkaloud.providers import entry_points
from thinkaloud.providers.hosts import local, makers, resellers
from thinkaloud.providers.hosts.host import Host

_KNOWN: Final = (
    makers.ANTHROPIC,
    makers.OPENAI,
    makers.GOOGLE,
    resellers.OPENROUTER,
    makers.DEEPSEEK,
    makers.MISTRAL,
    makers.XAI,
    makers.COHERE,
    makers.MOONSHOT,
    makers.ZAI,
    makers.ZHIPU,
    makers.DASHSCOPE,
    makers.MINIMAX,
    makers.PERPLEXITY,
    resellers.AZURE,
    resellers.BEDROCK,
    resellers.VERTEX,
    resellers.VERTEX_ANTHROPIC,
    resellers.GROQ,
    resellers.CEREBRAS,
    resellers.TOGETHER,
    resellers.FIREWORKS,
    resellers.VERCEL,
    resellers.VENICE,
    resellers.COPILOT,
    resellers.CODEX,
    resellers.HUGGINGFACE,
    local.OLLAMA,
    local.LMSTUDIO,
    local.LLAMACPP,
    local.VLLM,
    local.SGLANG,
)

_BLANK: Final = re.compile(r"\\\{\w+\\\}")

HOSTS: Final = {host.name: host for host in _KNOWN}
"""The built-in hosts by name, in the order in which an unconfigured server tries them."""


def host_names() -> list[str]:
    """Return the names of all hosts, built-in ones first, without importing any packages."""
    return list(dict.fromkeys([*HOSTS, *entry_points.installed(entry_points.HOSTS)]))


def load_host(name: str) -> Host | None:
    """Return a built-in host, or one from another package, by name; None if there is none.

    A built-in host cannot be replaced. Raises `ConfigurationError` if the package is broken.
    """
    found = entry_points.installed(entry_points.HOSTS).get(name)
    if name in HOSTS or found is None:
        return HOSTS.get(name)
    host = entry_points.load(found)
    if not isinstance(host, Host):
        raise entry_points.broken(found, "is not a Host")
    if host.name != name:
        raise entry_points.broken(found, f"has another name ({host.name})")
    return host


def host_at(base_url: str) -> Host | None:
    """Return the built-in, non-local host that a base URL belongs to, or None.

    Raises `ValueError` if it is not a valid URL.
    """
    name = urlsplit(base_url).hostname or ""
    for host in _KNOWN:
        pattern = _BLANK.sub("[a-z0-9-]+", re.escape(urlsplit(host.base_url).hostname or ""))
        if pattern and not host.local and re.fullmatch(pattern, name):
            return host
    return None
