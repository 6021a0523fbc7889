"""HTTP plumbing: routing, parsing, errors and the request guard."""
