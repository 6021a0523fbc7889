"""What servers share in PostgreSQL besides conversations."""
