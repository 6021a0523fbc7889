"""Ollama's API: its libraries, and front ends that find models through it."""
