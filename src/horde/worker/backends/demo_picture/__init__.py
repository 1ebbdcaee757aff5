"""Draws the pictures of the demo back end: a stable and its robots, without any model. Same words, same picture."""
