"""What everybody may know of the horde as a whole."""
