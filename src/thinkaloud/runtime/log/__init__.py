"""The live event log: numbering, followers, persistence."""
