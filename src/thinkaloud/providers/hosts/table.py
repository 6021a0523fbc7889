"""The hosts that thinkaloud knows by name. Others are `[hosts.NAME]` tables with a `base_url`."""

import re
from typing import Final
from urllib.parse import urlsplit

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
"""All known hosts by name, in the order in which an unconfigured server looks for them."""


def host_at(base_url: str) -> Host | None:
    """Return the known host that a base URL belongs to, if it is one on the network.

    Raises `ValueError` where it is no URL.
    """
    name = urlsplit(base_url).hostname or ""
    for host in _KNOWN:
        pattern = _BLANK.sub("[a-z0-9-]+", re.escape(urlsplit(host.base_url).hostname or ""))
        if pattern and not host.local and re.fullmatch(pattern, name):
            return host
    return None
