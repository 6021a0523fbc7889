"""Endpoints for logins, tickets, API keys and the audit log."""
