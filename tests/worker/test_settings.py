"""Settings of a worker: flags before the environment before the defaults."""

import socket

import pytest

from horde.environment import BadSetting
from horde.worker.settings import Settings


def test_defaults_serve_the_horde_of_this_machine_anonymously() -> None:
    settings = Settings.from_environment({})

    assert settings.horde_url == "http://127.0.0.1:7001"
    assert settings.api_key == "0000000000"
    assert settings.name == socket.gethostname()[:100]
    assert (settings.backend, settings.threads, settings.max_pixels) == ("auto", None, None)


def test_environment_is_read_by_customary_and_by_own_names() -> None:
    settings = Settings.from_environment({
        "HORDE_URL": "http://horde", "HORDE_API_KEY": "k", "HORDE_WORKER_NAME": "n", "HORDE_WORKER_THREADS": "3",
        "HORDE_WORKER_MAX_PIXELS": "65536", "HORDE_WORKER_NSFW": "false", "HORDE_WORKER_GRACE_S": "2.5",
    })  # fmt: skip

    assert (settings.horde_url, settings.api_key, settings.name) == ("http://horde", "k", "n")
    assert (settings.threads, settings.max_pixels, settings.nsfw, settings.grace_s) == (3, 65536, False, 2.5)


def test_flag_wins_over_the_environment_and_none_is_no_flag() -> None:
    settings = Settings.from_environment({"HORDE_WORKER_THREADS": "3"}, threads=2, name=None)

    assert settings.threads == 2


@pytest.mark.parametrize(
    ("environment", "flags", "word"),
    [
        ({"HORDE_WORKER_THREADS": "many"}, {}, "threads"),
        ({}, {"threads": 0}, "threads"),
        ({}, {"max_pixels": 10}, "max_pixels"),
        ({}, {"name": ""}, "name"),
        ({"HORDE_WORKER_LOG_LEVEL": "LOUD"}, {}, "log_level"),
    ],
)
def test_setting_that_cannot_be_used_is_named(environment: dict[str, str], flags: dict[str, object], word: str) -> None:
    with pytest.raises(BadSetting, match=word):
        Settings.from_environment(environment, **flags)
