"""OpenAI Chat Completions and the model list.

Source: OpenAI API reference, "Chat Completions" and "Models".
"""
