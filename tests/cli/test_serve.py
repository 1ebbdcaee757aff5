"""`horde serve`: what it refuses, and how several nodes are kept running on one port."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from horde.cli.listening import check_can_listen, shared_listeners
from horde.cli.main import status_of
from horde.cli.nodes import RESTART_S_FIRST
from horde.cli.output import FAILED, MISUSED, CommandFailed
from horde.cli.supervisor import DEATHS_MAX, DELAY_S_FIRST, STEADY_S, Supervisor
from tests.end_to_end.private_horde import assert_clear_refusal


class Node:
    """A member without a log of its own, that lives and dies as the test says."""

    log = None

    def __init__(self, name: str = "server node 1", together: threading.Barrier | None = None) -> None:
        self.name = name
        self.exit_status: int | None = None
        self.starts = 0
        self._together = together

    def start(self) -> None:
        self.starts += 1
        self.exit_status = None

    def status(self) -> int | None:
        return self.exit_status

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        if self._together:
            self._together.wait(timeout=10)


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def supervisor(node: Node) -> Supervisor:
    supervisor = Supervisor()
    supervisor.start_peers([node], 0, delay_s_first=RESTART_S_FIRST)
    return supervisor


@pytest.fixture
def taken_port() -> object:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("count", "words"), [("0", "Must be >= 1"), ("-3", "Must be >= 1"), ("65", "Must be <= 64"), ("many", '"many"')]
)
def test_count_of_workers_that_cannot_be_is_refused(
    count: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["serve", "--data", str(tmp_path / "data"), "--workers", count]) == MISUSED

    assert_clear_refusal(capsys.readouterr().err, words, "--workers")
    assert not (tmp_path / "data").exists()


def test_taken_port_is_refused_before_the_database_starts(
    taken_port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["serve", "--data", str(tmp_path / "data"), "--port", str(taken_port), "--workers", "2"]

    assert status_of(words) == MISUSED

    assert_clear_refusal(capsys.readouterr().err, f"port {taken_port} on 127.0.0.1 is taken by process")
    assert not (tmp_path / "data").exists()


def test_system_without_shared_ports_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(socket, "SO_REUSEPORT")

    assert status_of(["serve", "--data", str(tmp_path / "data"), "--workers", "2"]) == MISUSED

    assert_clear_refusal(capsys.readouterr().err, "--workers 2 needs processes that share a port")
    assert not (tmp_path / "data").exists()


def test_help_shows_no_option_that_is_not_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    status_of(["serve", "--help"])

    shown = capsys.readouterr().out
    assert "--workers" in shown
    assert "--node" not in shown


def test_nodes_share_a_port_and_keep_others_away() -> None:
    (first,) = shared_listeners("127.0.0.1", 0)
    port = first.getsockname()[1]
    (second,) = shared_listeners("127.0.0.1", port)
    with first, second:
        first.listen()
        second.listen()

        with pytest.raises(CommandFailed, match=f"port {port} on 127.0.0.1 is taken"):
            check_can_listen("127.0.0.1", port)


def test_node_cannot_share_a_port_with_a_stranger(taken_port: int) -> None:
    with pytest.raises(CommandFailed, match=f"port {taken_port} on 127.0.0.1 is taken"):
        shared_listeners("127.0.0.1", taken_port)


def test_node_that_dies_once_is_back_at_once(
    supervisor: Supervisor, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    for now in (10.0, 10.0 + 2 * STEADY_S):
        starts, node.exit_status = node.starts, 137
        supervisor.watch_once(now)
        assert node.starts == starts

        supervisor.watch_once(now + RESTART_S_FIRST)

        assert node.starts == starts + 1
    said = "the server node 1 ended unexpectedly (status 137); starting it again in 0.1 s\n"
    assert capsys.readouterr().err == 2 * said


def test_node_that_keeps_dying_is_tried_no_faster_than_others_and_ends_the_whole(
    supervisor: Supervisor, node: Node
) -> None:
    now = tried_s = 0.0
    for _ in range(DEATHS_MAX - 1):
        node.exit_status, starts = 1, node.starts
        supervisor.watch_once(now)
        died = now
        while node.starts == starts:
            now += 0.1
            supervisor.watch_once(now)
        tried_s += now - died
    node.exit_status = 1

    with pytest.raises(CommandFailed, match="the server node 1 ended unexpectedly") as raised:
        supervisor.watch_once(now)

    assert tried_s > STEADY_S
    assert raised.value.status == FAILED
    assert raised.value.message.endswith(f"{DEATHS_MAX} times in a row")
    assert raised.value.hint


def test_second_early_death_waits_as_long_as_anybodys(supervisor: Supervisor, node: Node) -> None:
    node.exit_status = 1
    supervisor.watch_once(1)
    supervisor.watch_once(2)
    node.exit_status = 1
    supervisor.watch_once(3)

    supervisor.watch_once(3 + DELAY_S_FIRST)
    assert node.starts == 2

    supervisor.watch_once(3 + 2 * DELAY_S_FIRST)
    assert node.starts == 3


def test_peers_stop_at_one_time() -> None:
    # Each waits for the others to be told too.
    together = threading.Barrier(3)
    supervisor = Supervisor()
    supervisor.start_peers([Node(f"server node {number}", together) for number in (1, 2, 3)], 0)

    supervisor.stop(lambda: False)

    assert not together.broken
