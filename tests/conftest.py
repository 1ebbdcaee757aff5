"""What every test shares."""

pytest_plugins = [
    "pytester",
    "tests.plugins.allowed_skips",
    "tests.plugins.data_dirs",
    "tests.plugins.databases",
    "tests.plugins.elsewhere",
    "tests.plugins.hordes",
]

collect_ignore = ["heavy"]
"""It needs an environment of its own: `make test-heavy`, which does not read this file."""
