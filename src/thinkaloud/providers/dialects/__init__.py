"""API formats: one folder per dialect, with pure encoders and decoders, independent of others."""
