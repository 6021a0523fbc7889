"""An agent of pydantic-ai behind its own adapter for the AG-UI protocol.

Run with an environment of its own (`pydantic-ai.txt`) and the provider's port; prints its port.
"""

import socket
import sys

import uvicorn
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

agent = Agent()


async def chat(request: Request) -> Response:
    """Run the agent, and stream its events."""
    address = f"http://127.0.0.1:{sys.argv[1]}/{request.path_params['shape']}"
    provider = OpenAIProvider(base_url=address, api_key="none")
    model = OpenAIChatModel("m", provider=provider)
    return await AGUIAdapter.dispatch_request(request, agent=agent, model=model)


app = Starlette(routes=[Route("/{shape}/chat", chat, methods=["POST"])])

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
