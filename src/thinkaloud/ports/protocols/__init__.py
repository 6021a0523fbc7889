"""Ports of other ecosystems' protocols."""
