"""Styles: ready-made ways of asking that their authors share, and collections of them."""
