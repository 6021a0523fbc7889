"""uvicorn's connections, with limits on what a client can send."""
