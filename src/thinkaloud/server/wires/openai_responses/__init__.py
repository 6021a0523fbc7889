"""OpenAI Responses: response objects, output items and stream events."""
