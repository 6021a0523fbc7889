"""Runs that wait for a person: continuing them, and the decisions that they wait for."""
