"""The server: HTTP at the edge (`api/`), one engine of feature folders, PostgreSQL beneath."""
