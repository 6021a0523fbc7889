"""Encoders from log events to the frames of each wire. Pure."""
