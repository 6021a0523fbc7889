"""Streaming a run or a conversation to a client: cursors, SSE, backpressure."""
