"""The result of a benchmark run: as a table, as JSON, as a page of the documentation."""
