"""The log wire: the log's own events, as NDJSON or Server-Sent Events."""
