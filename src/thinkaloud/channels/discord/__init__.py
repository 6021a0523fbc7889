"""Discord: a bot that receives over the gateway and shows runs as messages."""
