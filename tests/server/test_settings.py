"""Settings come from the environment, flags win, and what cannot be used is told at the start."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from horde.environment import BadSetting
from horde.server.settings import Settings, child_environment

EVERYTHING = {
    "DATABASE_URL": "postgresql://horde@db/horde",
    "HORDE_DATA_DIR": "/srv/horde",
    "HORDE_HOST": "0.0.0.0",
    "HORDE_PORT": "8080",
    "HORDE_PUBLIC_URL": "https://horde.example",
    "HORDE_DOCUMENTS_DIR": "/etc/horde",
    "HORDE_TEST_APIKEYS": "1",
    "HORDE_REQUIRE_MATCHED_TARGETING": "true",
    "HORDE_UPFRONT_KUDOS": "off",
    "HORDE_UPFRONT_KUDOS_ON_WORKERLIST": "true",
    "HORDE_KUDOS_TRUST_THRESHOLD": "50000",
    "HORDE_ANONYMOUS_WORKERS": "false",
    "HORDE_INVITE_ONLY": "true",
    "HORDE_WORKERS_MAX": "5",
    "HORDE_WORKERS_MAX_TRUSTED": "50",
    "HORDE_TRUSTED_PROXIES": "127.0.0.1",
    "HORDE_SOURCE_URLS": "off",
    "HORDE_SOURCE_URL_NETWORKS": "10.0.0.0/8, fd00::/8",
    "HORDE_RATE_LIMITS": "off",
    "HORDE_WEBHOOK_TARGETS": "any",
    "HORDE_RATE_LIMIT_FACTOR": "2.5",
    "HORDE_DATABASE_CONNECTIONS": "20",
    "HORDE_LEASE_S_MIN": "300",
    "HORDE_DUTY_PERIOD_S": "0.5",
    "HORDE_REFRESH_S": "0.25",
    "HORDE_LOG_LEVEL": "DEBUG",
}


def test_every_setting_is_read_from_the_environment() -> None:
    found = Settings.from_environment(EVERYTHING)

    assert msgspec.structs.asdict(found) == {
        "database_url": "postgresql://horde@db/horde",
        "data_dir": Path("/srv/horde"),
        "host": "0.0.0.0",
        "port": 8080,
        "public_url": "https://horde.example",
        "documents_dir": Path("/etc/horde"),
        "test_apikeys": True,
        "require_matched_targeting": True,
        "upfront_kudos": "off",
        "upfront_kudos_on_workerlist": True,
        "kudos_trust_threshold": 50000.0,
        "anonymous_workers": False,
        "invite_only": True,
        "workers_max": 5,
        "workers_max_trusted": 50,
        "trusted_proxies": "127.0.0.1",
        "source_urls": "off",
        "source_url_networks": "10.0.0.0/8, fd00::/8",
        "rate_limits": "off",
        "webhook_targets": "any",
        "rate_limit_factor": 2.5,
        "database_connections": 20,
        "lease_s_min": 300,
        "duty_period_s": 0.5,
        "refresh_s": 0.25,
        "log_level": "DEBUG",
    }
    assert len(EVERYTHING) == len(Settings.__struct_fields__)


def test_nothing_needs_to_be_set() -> None:
    found = Settings.from_environment({"PATH": "/bin", "HORDE_SOMETHING_ELSE": "1"})

    assert found == Settings()
    assert (found.host, found.port, found.lease_s_min, found.anonymous_workers) == ("127.0.0.1", 7001, 150, True)


def test_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_PORT", "7777")

    assert Settings.from_environment().port == 7777


def test_flag_wins_over_the_environment_and_none_is_no_flag() -> None:
    found = Settings.from_environment(EVERYTHING, port=9, host=None, anonymous_workers=True, data_dir=Path("/x"))

    assert (found.port, found.host, found.anonymous_workers, found.data_dir) == (9, "0.0.0.0", True, Path("/x"))


def test_empty_variable_is_not_set() -> None:
    assert Settings.from_environment(dict.fromkeys(EVERYTHING, "")) == Settings()


def test_home_is_found_in_a_data_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    assert Settings.from_environment({"HORDE_DATA_DIR": "~/horde"}).objects_dir == Path("/home/ada/horde/objects")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("1", True), ("false", False), ("FALSE", False), ("0", False)]
)
def test_switches_are_read_as_people_write_them(text: str, value: bool) -> None:
    assert Settings.from_environment({"HORDE_ANONYMOUS_WORKERS": text}).anonymous_workers is value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HORDE_PORT", "0"),
        ("HORDE_PORT", "65536"),
        ("HORDE_PORT", "http"),
        ("HORDE_PORT", "80.5"),
        ("HORDE_ANONYMOUS_WORKERS", "perhaps"),
        ("HORDE_DATABASE_CONNECTIONS", "1"),
        ("HORDE_DATABASE_CONNECTIONS", "201"),
        ("HORDE_LEASE_S_MIN", "0"),
        ("HORDE_LEASE_S_MIN", "3601"),
        ("HORDE_DUTY_PERIOD_S", "0"),
        ("HORDE_DUTY_PERIOD_S", "-1"),
        ("HORDE_DUTY_PERIOD_S", "inf"),
        ("HORDE_DUTY_PERIOD_S", "nan"),
        ("HORDE_LOG_LEVEL", "LOUD"),
        ("HORDE_SOURCE_URLS", "some"),
        ("HORDE_SOURCE_URL_NETWORKS", "home"),
        ("HORDE_SOURCE_URL_NETWORKS", "10.0.0.0/8,10.0.0.1/8"),
    ],
)
def test_value_that_cannot_be_used_is_refused_and_named(name: str, value: str) -> None:
    setting = name.removeprefix("HORDE_").lower()

    with pytest.raises(BadSetting, match=rf"\$\.{setting}"):
        Settings.from_environment({name: value})


def test_flag_that_cannot_be_used_is_refused_too() -> None:
    with pytest.raises(BadSetting, match=r"\$\.port"):
        Settings.from_environment({}, port=70_000)


def test_child_gets_our_environment_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_PORT", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://old")
    monkeypatch.setenv("SOMETHING", "else")

    found: dict[str, Any] = child_environment(database_url="postgresql://new", port=None, host="h", lease_s_min=5)

    assert (found["DATABASE_URL"], found["HORDE_HOST"], found["HORDE_LEASE_S_MIN"]) == ("postgresql://new", "h", "5")
    assert found["SOMETHING"] == "else"
    assert "HORDE_PORT" not in found
