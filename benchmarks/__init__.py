"""Measures a server from outside: it knows the wire of v2 and how `horde serve` is started, and nothing else of it."""
