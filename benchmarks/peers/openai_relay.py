"""The relay that many applications start with: the official OpenAI library behind FastAPI.

Run with an environment of its own (`openai-relay.txt`) and the provider's port; prints its port.
"""

import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel

app = FastAPI()
client = AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:1")


class Message(BaseModel):
    """What a client sends."""

    text: str


@app.post("/{shape}/chat")
async def chat(shape: str, message: Message) -> StreamingResponse:
    """Stream the model's chunks as Server-Sent Events."""
    model = client.with_options(base_url=f"http://127.0.0.1:{sys.argv[1]}/{shape}")

    async def events() -> AsyncIterator[str]:
        stream = await model.chat.completions.create(
            model="m", messages=[{"role": "user", "content": message.text}], stream=True
        )
        async for chunk in stream:
            yield f"data: {chunk.model_dump_json()}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
