"""Several server nodes on one database are one horde, and stay one while they are killed."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from horde.server.db.embedded import EmbeddedPostgres, Transport
from horde.server.db.leader import DUTIES_LOCK
from tests.api.actors import ask, deliver, pop, serve_one, status
from tests.end_to_end.private_horde import PrivateHorde
from tests.end_to_end.several_nodes import (
    IMAGES,
    NODES,
    WAIT_S_MAX,
    Crowd,
    client_of,
    listens,
    node,
    nodes,
    persist,
    until,
)
from tests.plugins.data_dirs import living, still_running

KILLS = 6
CONNECTIONS_MAX = 200
"""The system deals connections out by a hash; that many in a row miss one of three nodes in no test of our lives."""
OFTEN = {"HORDE_DUTY_PERIOD_S": "0.2"}
LEADER = """
SELECT a.client_port FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND (l.classid::bigint << 32) + l.objid::bigint = $1
"""


@pytest.fixture
def database_url(data_dir: Path) -> Iterator[str]:
    """A PostgreSQL that is not the horde's own, reached over TCP: a connection's port tells whose it is."""
    postgres = EmbeddedPostgres(data_dir.with_name("elsewhere"), transport=Transport.TCP)
    try:
        yield postgres.start()
    finally:
        postgres.stop()


@pytest.fixture
def horde(data_dir: Path) -> Iterator[PrivateHorde]:
    """Three nodes on a database of their own."""
    with PrivateHorde(data_dir, "--workers", str(NODES), command="serve", port=0, **OFTEN) as found:
        until_up(found)
        yield found


@pytest.fixture
def horde_elsewhere(data_dir: Path, database_url: str) -> Iterator[PrivateHorde]:
    """Three nodes on `database_url`."""
    words = ("--workers", str(NODES))
    with PrivateHorde(data_dir, *words, command="serve", port=0, DATABASE_URL=database_url, **OFTEN) as found:
        until_up(found)
        yield found


def until_up(horde: PrivateHorde) -> None:
    horde.until_stderr_says("server nodes share")
    until(lambda: all(listens(node, horde.port) for node in nodes(horde)), "all nodes listen")


def has_peer(node: psutil.Process, port: int) -> bool:
    """Whether the process has a connection whose other end has this port."""
    return any(getattr(c.raddr, "port", None) == port for c in node.net_connections("tcp"))


def owns(node: psutil.Process, port: int) -> bool:
    """Whether the process has a connection whose own end has this port."""
    return any(c.laddr.port == port for c in node.net_connections("tcp"))


@contextmanager
def client_of_each(horde: PrivateHorde) -> Iterator[list[httpx.Client]]:
    """Clients with one lasting connection each, every one to another node."""
    found: dict[int, httpx.Client] = {}
    processes = nodes(horde)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS_MAX):
            client = stack.enter_context(client_of(horde.url))
            answer = client.get("/api/v2/status/heartbeat")
            port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
            (process,) = (process for process in processes if has_peer(process, port))
            found.setdefault(process.pid, client)
            if len(found) == NODES:
                yield list(found.values())
                return
        raise AssertionError(f"{CONNECTIONS_MAX} connections reached only {len(found)} of {NODES} nodes")


async def leader_after(killed: int | None, horde: PrivateHorde, database_url: str) -> psutil.Process:
    """The node that does the duties, once it is another than the killed one."""
    deadline = time.monotonic() + WAIT_S_MAX
    connection = await asyncpg.connect(database_url)
    try:
        while time.monotonic() < deadline:
            port = await connection.fetchval(LEADER, DUTIES_LOCK)
            for process in nodes(horde):
                if process.pid != killed and owns(process, port):
                    return process
    finally:
        await connection.close()
    raise AssertionError("nobody does the duties")


async def end_leases(database_url: str) -> None:
    """Let the time of all leases be over: the shortest is half a minute."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE jobs SET deadline = now() WHERE state = 'leased'")
    finally:
        await connection.close()


def pop_and_deliver(client: httpx.Client) -> bool:
    """Whether there was a job, which is handed in then."""
    job_id = pop(client, "second", wait_s=1)["id"]
    return bool(job_id) and deliver(client, job_id).status_code == 200


def test_nodes_are_one_horde(horde: PrivateHorde) -> None:
    with client_of_each(horde) as (first, second, third):
        request_id = ask(first, params={"n": IMAGES})
        jobs = [pop(second, "worker 2"), pop(third, "worker 3")]
        answers = [deliver(third, jobs[0]["id"]), deliver(first, jobs[1]["id"])]

        seen = [status(client, request_id) for client in (first, second, third)]

    assert [answer.status_code for answer in answers] == [200, 200]
    for found in seen:
        assert (found["done"], found["finished"]) == (True, IMAGES)
        assert {picture["id"] for picture in found["generations"]} == {job["id"] for job in jobs}


def test_worker_that_waits_at_one_node_hears_of_a_request_at_another(horde: PrivateHorde) -> None:
    with client_of_each(horde) as (first, second, third), ThreadPoolExecutor() as pool:
        waiting = pool.submit(pop, first, "waiting", wait_s=60)
        until(lambda: second.get("/api/v2/workers").json(), "the worker is listed")

        ask(third)

        assert waiting.result(WAIT_S_MAX)["id"]


def test_nodes_killed_again_and_again_lose_no_request_and_deliver_none_twice(horde: PrivateHorde) -> None:
    crowd = Crowd(horde.url)
    with crowd.at_work():
        for kill in range(KILLS):
            before = len(crowd.delivered)
            until(partial(crowd.has_delivered, before + NODES), "the crowd goes on")
            number = 1 + kill % NODES
            until(partial(node, horde, number), f"node {number} is back")
            node(horde, number)[0].kill()
            assert "starting it again in" in horde.until_stderr_says(f"server node {number} ended unexpectedly")

    assert max(Counter(crowd.delivered).values()) == 1
    with client_of(horde.url) as client:
        found = [persist(partial(status, client, request_id)) for request_id in crowd.accepted]
    assert all((each["done"], each["faulted"], each["finished"]) == (True, False, IMAGES) for each in found)
    pictures = [picture["id"] for each in found for picture in each["generations"]]
    assert len(set(pictures)) == IMAGES * len(crowd.accepted)
    until(lambda: len(nodes(horde)) == NODES, "all nodes are back")


async def test_duties_go_on_when_the_node_that_does_them_is_killed(
    horde_elsewhere: PrivateHorde, database_url: str
) -> None:
    horde, killed = horde_elsewhere, None
    with client_of(horde.url) as client:
        for _ in range(2):
            request_id = persist(partial(ask, client))
            assert persist(partial(pop, client, "lost"))["id"]
            leader = await leader_after(killed, horde, database_url)

            leader.kill()
            killed = leader.pid
            await end_leases(database_url)

            until(partial(persist, partial(pop_and_deliver, client)), "the lost job is handed out again")
            assert persist(partial(status, client, request_id))["done"]
            assert (await leader_after(killed, horde, database_url)).pid != killed


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_waiting_workers_are_answered_at_every_node_when_all_stop(horde: PrivateHorde, wish: signal.Signals) -> None:
    with client_of_each(horde) as clients, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(pop, client, f"waiting {i}", wait_s=60) for i, client in enumerate(clients)]
        until(lambda: len(httpx.get(f"{horde.url}/api/v2/workers").json()) == NODES, "all three wait")

        code, stderr = horde.send(wish)

        assert [each.result(WAIT_S_MAX)["id"] for each in waiting] == [None] * NODES
    assert code == 0
    assert stderr.count("Application shutdown complete") == NODES
    assert living(horde.data_dir) == []


def test_killed_parent_leaves_no_process(horde: PrivateHorde) -> None:
    processes = living(horde.data_dir)
    assert len(nodes(horde)) == NODES

    horde.process.kill()

    assert still_running(processes) == []
    assert living(horde.data_dir) == []


def test_two_commands_with_one_database_are_one_horde_and_one_may_die(data_dir: Path, database_url: str) -> None:
    variables = {"DATABASE_URL": database_url, **OFTEN}
    with (
        PrivateHorde(data_dir, command="serve", port=0, **variables) as one,
        PrivateHorde(data_dir, command="serve", port=0, **variables) as other,
    ):
        for command in (one, other):
            command.until_stderr_says("Uvicorn running")
        with client_of(one.url) as here, client_of(other.url) as there:
            delivered_here, open_here = ask(here), ask(here)
            job = pop(there)
            assert deliver(here, job["id"]).status_code == 200

            one.process.kill()

            assert still_running([psutil.Process(one.process.pid)]) == []
            serve_one(there)
            for request_id in (delivered_here, open_here):
                (picture,) = status(there, request_id)["generations"]
                assert httpx.get(picture["img"]).content
