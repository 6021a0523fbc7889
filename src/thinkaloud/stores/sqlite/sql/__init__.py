"""The SQL, as functions of a connection that are called in a transaction."""
