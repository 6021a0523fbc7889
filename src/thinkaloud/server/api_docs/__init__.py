"""OpenAPI and AsyncAPI documents and their HTML pages."""
