"""Our own routes, which the public AI Horde does not have."""
