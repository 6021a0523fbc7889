"""Authentication: API keys, sessions, tickets and trusted proxies; each request gets a principal."""
