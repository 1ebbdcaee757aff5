"""ComfyUI's graphs: nodes by number, each with its inputs, an input being a value or another node's output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Link: TypeAlias = tuple[str, int]
"""An output of a node: the node's number and which of its outputs."""
Node: TypeAlias = dict[str, object]
Nodes: TypeAlias = dict[str, Node]


@dataclass(slots=True)
class Graph:
    """A graph in the making, as `POST /prompt` takes it."""

    nodes: Nodes = field(default_factory=dict)

    def add(self, kind: str, **inputs: object) -> Output:
        """Add a node of this class; what it gives can be an input of others."""
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {
            "class_type": kind,
            "inputs": {
                name: list(value.link) if isinstance(value, Output) else value for name, value in inputs.items()
            },
        }
        return Output((number, 0))


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a node, the first unless another is asked for."""

    link: Link

    def __getitem__(self, at: int) -> Output:
        return Output((self.link[0], at))
