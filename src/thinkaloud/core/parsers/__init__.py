"""Incremental parsers: SSE, AWS event streams, inline reasoning tags, harmony. Pure."""
