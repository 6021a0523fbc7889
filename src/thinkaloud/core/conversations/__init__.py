"""Whole conversations: export, titles, pagination, search text. Pure."""
