"""The event types and the fold that interprets them: frozen values. No I/O, no clock."""
