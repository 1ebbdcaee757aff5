"""Stable Horde: a crowdsourced cluster for image and text generation."""

__version__ = "0.1.0"
