"""The AI SDK's chat protocol: `useChat`, assistant-ui and other clients of its transport."""
