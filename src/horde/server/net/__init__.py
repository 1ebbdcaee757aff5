"""What leaves this server for addresses that strangers name."""
