"""API v1, for the oldest clients. Source: contract/api-v1.md."""
