"""Teams: workers of several owners that are counted together."""
