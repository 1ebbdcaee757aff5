"""Who does not want to see everything gets nothing that was not looked at."""

import pytest

from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.engine import engine
from tests.heavy.conftest import DEVICE, Laid, order_of
from tests.heavy.pixels import array_of


@pytest.mark.parametrize("model", ["sd", "flux"])
@pytest.mark.parametrize(("checker", "is_found"), [("finds_all", True), ("finds_nothing", False)])
def test_picture_that_the_checker_finds_unsafe_is_black_and_says_so(
    laid: Laid, checker: str, is_found: bool, model: str
) -> None:
    looking = engine(device=DEVICE, options={**laid.options, "safety_checker": str(laid.folder / checker)})
    looking.load()

    pictures = looking.generate(order_of(1, 2, model=model, use_nsfw_censor=True), lambda _progress: None)
    unasked = looking.generate(order_of(1, 2, model=model), lambda _progress: None)

    assert [picture.state for picture in pictures] == ["censored" if is_found else "ok"] * 2
    assert [array_of(picture).max() < 10 for picture in pictures] == [is_found] * 2
    told = (GenMetadata(type="censorship", value="nsfw"),) if is_found else ()
    assert [picture.metadata for picture in pictures] == [told] * 2
    assert [picture.state for picture in unasked] == ["ok"] * 2


def test_nothing_is_made_unchecked_where_there_is_no_checker(laid: Laid) -> None:
    blind = engine(device=DEVICE, options={**laid.options, "safety_checker": None})
    blind.load()

    with pytest.raises(BackendFailed, match="pictures cannot be checked here; hint: set the option safety_checker"):
        blind.generate(order_of(use_nsfw_censor=True), lambda _progress: None)
    assert blind.generate(order_of(), lambda _progress: None)
