"""The live screen: what it shows, and that it leaves the last log lines behind."""

import io

import msgspec
import structlog
from rich.console import Console

from horde.worker.backends.demo import Demo
from horde.worker.control import Job, State
from horde.worker.gpu import Gpu
from horde.worker.main import Team
from horde.worker.owner import Owner
from horde.worker.screen import Screen, drawn
from tests.worker.shifts import worker_settings

STATE = State(
    name="rig", horde="http://horde", backend="a1111", models=["Deliberate"], paused_for="",
    jobs=[Job(kind="image", about="Deliberate 512x512, 30 steps", jobs=2, stage="making", share=0.5, seconds=4)],
    done_today=1234, faults_today=2, last_fault="out of memory", kudos_today=99.5, kudos_per_hour=12.25,
    skipped={"nsfw": 3, "models": 17},
)  # fmt: skip
CARD = Gpu(name="RTX 3060", memory_mib=12288, memory_used_mib=8000, busy_percent=97, temperature_c=71)


def shown(state: State, gpus: list[Gpu], lines: list[str]) -> str:
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as captured:
        console.print(drawn(state, gpus, lines))
    return captured.get()


def test_screen_shows_jobs_earnings_faults_skips_and_the_card() -> None:
    text = shown(STATE, [CARD], ["a log line"])

    for words in (
        "rig → http://horde", "a1111: Deliberate", "making", "50%", "Deliberate 512x512, 30 steps ×2", "1,234 done",
        "2 faults", "99.5 kudos", "12.2 kudos in the last hour", "models 17, nsfw 3", "last fault: out of memory",
        "RTX 3060: 8,000 of 12,288 MiB, 97 % busy, 71 °C", "a log line",
    ):  # fmt: skip
        assert words in text, words


def test_screen_says_why_it_takes_nothing() -> None:
    text = shown(msgspec.structs.replace(STATE, paused_for="on battery", jobs=[]), [], [])

    assert "paused: on battery" in text
    assert "no job now" in text


def test_last_log_lines_stay_when_the_screen_goes() -> None:
    file = io.StringIO()
    before = structlog.get_config()
    try:
        with Screen(Team(Owner(worker_settings("http://horde")), {"demo": Demo()}), Console(file=file, width=200)):
            structlog.get_logger("worker").error("delivered", job="a")
    finally:
        structlog.configure(**before)

    assert "delivered" in file.getvalue()
