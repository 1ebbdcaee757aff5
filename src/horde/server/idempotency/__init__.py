"""Calls that may be made twice and take effect once: their keys, with the answers that were given."""
