"""The Slack channel: streamed messages with a plan, over Socket Mode."""
