"""Periodic work in the background, done by one node at a time."""
