"""The Agent Client Protocol, version 1: editors start `thinkaloud acp` and talk to it in a pipe."""
