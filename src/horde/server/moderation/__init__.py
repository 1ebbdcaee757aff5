"""What moderators keep out: addresses for a time, and prompts."""
