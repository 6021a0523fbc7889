"""Events as the frames of each wire. Pure."""
