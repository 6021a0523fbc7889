"""Anthropic's Messages API and its model list.

Source: Claude API reference, "Messages", "Count tokens" and "Models".
"""
