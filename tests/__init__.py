"""The tests; a package, so that `tests.plugins` is found under one name from everywhere."""
