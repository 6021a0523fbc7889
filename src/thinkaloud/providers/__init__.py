"""The model port, outside in: dialects (wires), hosts (who serves), families (what a model can do)."""
