"""What docs/concepts/kudos.md tells of prices is what they are."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from horde.kinds import alchemy_price, text_price
from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams
from horde.kinds.image_price import POST_PROCESSING, base
from horde.units import Kudos, kudos_on_the_wire
from tests.kinds.observed_prices import basis

PAGE = (Path(__file__).parents[2] / "docs" / "concepts" / "kudos.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\{.*\})` \| (.*) \|$", re.MULTILINE)
OF_THE_REQUEST = ("n", "models", "slow_workers", "source_processing")


def rows() -> list[tuple[dict[str, Any], list[str]]]:
    return [(msgspec.json.decode(asked), figures.split(" | ")) for asked, figures in ROW.findall(PAGE)]


def prices(asked: dict[str, Any]) -> list[Kudos]:
    """What the row's figures have to be, in their order."""
    if "form" in asked:
        return _of_form(asked)
    return _of_text(asked) if "tokens" in asked else _of_image(asked)


def _of_image(asked: dict[str, Any]) -> list[Kudos]:
    request = {name: asked[name] for name in OF_THE_REQUEST if name in asked}
    request["models"] = tuple(request.get("models", ["stable_diffusion"]))
    params = {name: value for name, value in asked.items() if name not in OF_THE_REQUEST}
    draft = Draft(kind="image", prompt="a red fox", params=msgspec.convert(params, ImageParams), **request)
    price = KIND.price(draft)
    worth = KIND.worth(price, draft.models[0], KIND.needs(draft))
    return [price, worth, KIND.charge_terms(draft).of(worth), KIND.estimate(draft)]


def _of_text(asked: dict[str, Any]) -> list[Kudos]:
    bounds = {"max_length": asked["tokens"], "max_context_length": asked["context"]}
    worth = text_price.worth(
        asked["model"],
        **bounds,
        prompt_characters=4 * asked["context"],
        text_characters=4 * asked["tokens"],
        is_validated=True,
        is_owner_trusted=True,
    )
    return [worth, text_price.estimate([asked["model"]], **bounds, n=1)]


def _of_form(asked: dict[str, Any]) -> list[Kudos]:
    worth = alchemy_price.worth(asked["form"], tiles=alchemy_price.tiles(asked["width"], asked["height"]))
    return [worth, alchemy_price.charge_terms(slow_workers=True).of(worth)]


def test_page_has_examples_of_every_kind() -> None:
    assert [sum(len(figures) == count for _, figures in rows()) for count in (4, 2)] == [14, 8]


@pytest.mark.parametrize(("asked", "figures"), rows(), ids=[msgspec.json.encode(asked).decode() for asked, _ in rows()])
def test_example_is_what_it_costs(asked: dict[str, Any], figures: list[str]) -> None:
    assert figures == [f"{kudos_on_the_wire(price):.2f}" for price in prices(asked)]


@pytest.mark.parametrize("steps", [1, 50, 500])
@pytest.mark.parametrize("side", [64, 512, 1024, 3072])
def test_formula_is_the_one_that_is_told(side: int, steps: int) -> None:
    [(price, drag)] = re.findall(r"^    price = (.*)\n    drag = (.*)$", PAGE, re.MULTILINE)
    known = {"mp": (side / 1024) ** 2, "steps": steps, "factors": 1, "finish": 26}
    known["drag"] = eval(drag, known)

    draft = basis(width=side, height=side, steps=steps, cfg_scale=0, post_processing=["RealESRGAN_x4plus"])

    assert kudos_on_the_wire(base(draft)) == pytest.approx(eval(price, known), abs=0.0051)


def test_every_post_processor_is_told_with_its_price() -> None:
    _, table = PAGE.split("| Post-processing |", 1)
    told = {
        name: float(price)
        for names, price in re.findall(r"^\| (`.*`) \| (\d+) \|$", table.split("\n\n", 1)[0], re.MULTILINE)
        for name in re.findall(r"`(\w[\w.]*)`", names)
    }

    assert told == POST_PROCESSING
