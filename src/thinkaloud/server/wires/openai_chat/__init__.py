"""OpenAI Chat Completions: responses, chunks and errors."""
