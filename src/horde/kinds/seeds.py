"""How the text of a seed becomes the number a worker gets. Source: contract/lifecycle.md, section 2, "Seeds"."""

from __future__ import annotations

import random

SEED_BITS = 32


def seed_number(text: str) -> int:
    """Read a seed: digits are a number, other text the little-endian integer of its bytes; always below 2^32."""
    # str.isdecimal accepts digits of every script, and int() reads them all.
    return folded(int(text) if text.isdecimal() and len(text) <= 100 else int.from_bytes(text.encode(), "little"))


def folded(number: int) -> int:
    """Shift right by 32 bits until the number fits into 32."""
    while number >= 1 << SEED_BITS:
        number >>= SEED_BITS
    return number


def job_seed(base: int, variation: int, remaining_n: int) -> int:
    """The seed of the batch that is handed out while `remaining_n` images still wait."""
    return folded(base + variation * remaining_n)


def random_seed() -> int:
    """A seed for who asked for none."""
    return random.getrandbits(SEED_BITS)
