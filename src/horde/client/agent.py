"""How our programs name themselves to a horde: `name:version:contact`."""

from __future__ import annotations

from horde import __version__

HOME_URL = "https://github.com/stable-horde/stable-horde"
"""Where the people behind our agent strings are found."""
CLIENT_AGENT = f"stable-horde:{__version__}:{HOME_URL}"
