"""The tools of a run: which ones its model may call, and their execution."""
