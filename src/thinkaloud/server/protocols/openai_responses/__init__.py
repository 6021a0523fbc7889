"""OpenAI Responses.

Source: OpenAI API reference, "Responses".
"""
