"""LiteLLM's proxy, with one model for each shape of response.

Run with an environment of its own (`litellm.txt`), the provider's port and the shapes; prints its
port.
"""

import json
import os
import socket
import sys
import tempfile
from pathlib import Path

port, *shapes = sys.argv[1:]
models = [
    {
        "model_name": shape,
        "litellm_params": {
            "model": "openai/m",
            "api_base": f"http://127.0.0.1:{port}/{shape}",
            "api_key": "none",
        },
    }
    for shape in shapes
]
file = Path(tempfile.mkdtemp()) / "config.yaml"
file.write_text(json.dumps({"model_list": models}), encoding="utf-8")  # JSON is YAML
os.environ["CONFIG_FILE_PATH"] = str(file)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # nothing is fetched from the network
# It would refuse to start without a key; here it listens on loopback, and knows no secret.
os.environ["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
# By default it stops a response that repeats a token 100 times, which the provider here does.
os.environ["REPEATED_STREAMING_CHUNK_LIMIT"] = "1000000000"

import uvicorn  # noqa: E402 - the proxy reads the environment when it is imported
from litellm.proxy.proxy_server import app  # noqa: E402

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
