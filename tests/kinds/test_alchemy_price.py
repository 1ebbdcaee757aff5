"""What a form of alchemy is worth and charged: contract/kudos.md, sections 3 and 4."""

import pytest

from horde.kinds.alchemy_price import charge_terms, tiles, worth
from horde.units import kudos


@pytest.mark.parametrize(
    ("size", "count"), [((1, 1), 1), ((512, 512), 1), ((513, 512), 2), ((1024, 1024), 4), ((1025, 1536), 9)]
)
def test_tiles_cover_the_picture(size: tuple[int, int], count: int) -> None:
    assert tiles(*size) == count


@pytest.mark.parametrize(
    ("form", "reward"),
    [
        ("interrogation", 3), ("caption", 1), ("nsfw", 1), ("anything new", 1), ("GFPGAN", 12),
        ("RealESRGAN_x4plus", 12), ("strip_background", 12),
    ],
)  # fmt: skip
def test_only_post_processing_is_worth_more_the_bigger_the_source(form: str, reward: float) -> None:
    assert worth(form, tiles=4) == kudos(reward)


@pytest.mark.parametrize(("slow_workers", "charge"), [(True, 13), (False, 14)])
def test_fast_workers_cost_one_more(slow_workers: bool, charge: float) -> None:
    assert charge_terms(slow_workers=slow_workers).of(kudos(12)) == kudos(charge)
