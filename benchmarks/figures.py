"""Figures by name, kept as JSON and compared between two versions."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One figure of one scenario."""

    scenario: str
    name: str
    value: float
    unit: str = ""


class Figures(msgspec.Struct):
    """The figures of one run."""

    version: str
    machine: str
    figures: list[Figure] = []

    def value(self, scenario: str, name: str) -> float | None:
        """The figure of that name, if this run has it."""
        for figure in self.figures:
            if (figure.scenario, figure.name) == (scenario, name):
                return figure.value
        return None

    def save(self, path: Path) -> None:
        """Write them; figures of scenarios that this run did not measure stay as they are in the file."""
        measured = {figure.scenario for figure in self.figures}
        earlier = read(path)
        kept = [figure for figure in earlier.figures if figure.scenario not in measured] if earlier else []
        whole = Figures(self.version, self.machine, [*kept, *self.figures])
        path.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")


def read(path: Path) -> Figures | None:
    """What a run before wrote, or None."""
    return msgspec.json.decode(path.read_bytes(), type=Figures) if path.exists() else None
