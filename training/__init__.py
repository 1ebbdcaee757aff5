"""Trains `tiny-horde`, the small model that the worker ships: `make train` (docs/concepts/tiny-horde.md)."""
