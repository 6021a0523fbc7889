"""Request and response types, and their JSON Schemas."""
