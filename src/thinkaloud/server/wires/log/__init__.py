"""The log wire: unchanged log events, as NDJSON or Server-Sent Events."""
