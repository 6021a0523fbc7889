"""HTTP plumbing: routing, parsing, errors, request guard, uvicorn."""
