"""API v2, the wire of the public AI Horde. Source: contract/api-v2.md."""
