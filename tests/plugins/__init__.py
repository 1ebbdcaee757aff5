"""Plugins of pytest that hold for the whole run; registered in `tests/conftest.py`."""
