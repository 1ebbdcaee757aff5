"""What goes to addresses that strangers name."""
