"""The version of thinkaloud, once."""

__version__ = "0.1.0"
