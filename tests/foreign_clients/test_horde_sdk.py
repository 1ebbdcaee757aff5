"""The unmodified horde-sdk plays requestor and worker against a whole server, and its models accept every answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.actors import register
from tests.plugins.hordes import RunningHorde

PLAY = Path(__file__).with_name("horde_sdk_play.py")
PYTHON = Path(sys.prefix) / "foreign_clients" / "bin" / "python"
"""An environment of their own: what these clients need is none of the horde's business."""
TIME_S_MAX = 120


@pytest.mark.skipif(not PYTHON.exists(), reason="the packages of foreign clients could not be installed")
@pytest.mark.parametrize("scene", ["image", "source_image", "text", "alchemy", "horde", "reading"])
def test_horde_sdk_understands_every_answer(horde: RunningHorde, scene: str) -> None:
    with horde.client() as client:
        key = register(client, "sdk")

    environment = {**os.environ, "AI_HORDE_URL": f"{horde.url}/api/"}
    played = subprocess.run(
        [PYTHON, PLAY, scene, key], env=environment, capture_output=True, text=True, timeout=TIME_S_MAX, check=False
    )

    assert played.returncode == 0, played.stdout + played.stderr
