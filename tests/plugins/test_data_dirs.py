"""A process that has ended, and that nobody has collected yet, is no trouble for those who look for it."""

import os
import subprocess

import psutil

from tests.plugins.data_dirs import words_of


def test_zombie_has_no_words() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    process = psutil.Process(child.pid)
    assert process.status() == psutil.STATUS_ZOMBIE

    assert words_of(process) == []

    child.wait()
    assert words_of(process) == []
