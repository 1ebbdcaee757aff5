"""What processes cost: processor time and memory, of the server, of its PostgreSQL, and of this driver."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds since each process began, children that ended included."""

    server_s: float
    postgres_s: float
    driver_s: float

    def __sub__(self, earlier: Cost) -> Cost:
        return Cost(
            self.server_s - earlier.server_s,
            self.postgres_s - earlier.postgres_s,
            self.driver_s - earlier.driver_s,
        )

    @property
    def served_s(self) -> float:
        """Everything but the driver."""
        return self.server_s + self.postgres_s


@dataclass(frozen=True, slots=True)
class Memory:
    """Proportional set size: what is shared by several processes is counted once, in equal parts."""

    server_mib: float
    postgres_mib: float


def cost(process_id: int) -> Cost:
    """The processor time of a process with all its descendants, up to now, beside that of this process."""
    server_s = postgres_s = 0.0
    for process in _family(process_id):
        try:
            times = process.cpu_times()
            is_postgres = _is_postgres(process)
        except psutil.NoSuchProcess:
            continue  # its parent has its time now, and will be asked at the next call
        # What a child used goes over to its parent's children_* when it is collected, so nothing is counted twice.
        spent_s = times.user + times.system + times.children_user + times.children_system
        if is_postgres:
            postgres_s += spent_s
        else:
            server_s += spent_s
    return Cost(server_s, postgres_s, time.process_time())


def memory(process_id: int) -> Memory:
    """The memory of a process with all its descendants, in MiB."""
    server = postgres = 0.0
    for process in _family(process_id):
        try:
            mib = process.memory_full_info().pss / MIB
            is_postgres = _is_postgres(process)
        except psutil.NoSuchProcess:
            continue
        if is_postgres:
            postgres += mib
        else:
            server += mib
    return Memory(server, postgres)


def _family(process_id: int) -> list[psutil.Process]:
    parent = psutil.Process(process_id)
    return [parent, *parent.children(recursive=True)]


def _is_postgres(process: psutil.Process) -> bool:
    return process.name().startswith("postgres")
