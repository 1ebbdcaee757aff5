"""The engine: what happens to a request and its jobs, one verb a file."""
