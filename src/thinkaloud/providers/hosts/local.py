"""Model servers on the user's own machine, at their default ports."""

from typing import Final

from thinkaloud.providers.hosts.host import Host, Wire


def _server(name: str, title: str, port: int, key_env: str, *, templates: bool = True) -> Host:
    """Return a server with an OpenAI-compatible API under `/v1`."""
    base_url = f"http://127.0.0.1:{port}/v1"
    also: dict[str, Wire] = {"openai-responses": Wire(base_url, {"summary": None, "include": []})}
    return Host(
        name,
        title,
        "openai-chat",
        base_url,
        (key_env,),
        key_required=False,
        local=True,
        also=also,
        templates=templates,
    )


OLLAMA: Final = Host(
    "ollama",
    "Ollama",
    "ollama-chat",
    "http://127.0.0.1:11434",
    ("OLLAMA_API_KEY",),
    key_required=False,
    local=True,
    efforts=("none", "high"),
    also={
        "openai-chat": Wire("http://127.0.0.1:11434/v1"),
        "openai-responses": Wire("http://127.0.0.1:11434/v1", {"summary": None, "include": []}),
        "anthropic-messages": Wire("http://127.0.0.1:11434", {"models_path": None}),
    },
)

VLLM: Final = _server("vllm", "vLLM", 8000, "VLLM_API_KEY")
SGLANG: Final = _server("sglang", "SGLang", 30000, "SGLANG_API_KEY")
LMSTUDIO: Final = _server("lmstudio", "LM Studio", 1234, "LM_API_TOKEN", templates=False)
LLAMACPP: Final = _server("llamacpp", "llama.cpp", 8080, "LLAMA_API_KEY")
