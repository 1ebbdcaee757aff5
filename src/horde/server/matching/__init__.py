"""Which waiting requests may go to which worker, and in which order."""
