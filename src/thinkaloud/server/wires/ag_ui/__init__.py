"""The AG-UI wire: the events of the Agent-User Interaction protocol. Pure."""
