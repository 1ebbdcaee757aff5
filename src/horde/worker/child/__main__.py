"""The program of a child process: `python -m horde.worker.child`, started by `process.py` and by nobody else."""

from __future__ import annotations

import sys

from horde.worker.child.inside import run

sys.exit(run())
