"""The edge: every dialect translates, calls one verb, and translates back. Nothing is decided here."""
