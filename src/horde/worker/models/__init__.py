"""Models on this machine: fetched whole, checked, and listed."""
