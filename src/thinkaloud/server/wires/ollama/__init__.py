"""The Ollama wire: responses of Ollama's chat and generate endpoints. Pure."""
