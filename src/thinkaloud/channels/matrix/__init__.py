"""The Matrix channel: an account on a homeserver, through matrix-nio."""
