"""What the layer does between a platform and the runs. Platforms don't import from here."""
