"""Messages as they stand on the wire, one file a dialect: structs with their bounds, and nothing else."""
