"""The log wire: the events of the log as they are, as NDJSON or Server-Sent Events."""
