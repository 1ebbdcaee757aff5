"""Our commands as processes of their own, as a shell starts them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

END_S_MAX = 30.0


@contextmanager
def started(*words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs, without any HORDE_ variable of ours. Leaving kills it, if it has not ended."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HORDE_")}
    # A run of the tests in the background ignores Ctrl-C, and children inherit that; these must hear it.
    heard_before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "horde.cli.main", *words],
            env={**ours, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, heard_before)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_it_says(process: subprocess.Popen[str], words: str) -> str:
    """Read stderr up to the line with these words."""
    assert process.stderr is not None
    read = ""
    while words not in read:
        line = process.stderr.readline()
        assert line, f"ended before it said {words!r}: {read}"
        read += line
    return read
