"""The Agent-User Interaction protocol: `HttpAgent`, CopilotKit, assistant-ui and others."""
