"""The channel wire of `/ws`. Pure."""
