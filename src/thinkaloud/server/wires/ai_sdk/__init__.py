"""The AI SDK wire: the UI message stream of `useChat`. Pure."""
