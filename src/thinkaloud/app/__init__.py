"""Composition: builds the runtime, the server and their storage from the configuration."""
