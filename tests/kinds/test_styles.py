"""How a request is filled into a style."""

from collections.abc import Callable

import pytest

from horde.errors import InvalidPromptSize
from horde.kinds.image import ImageParams
from horde.kinds.styles import IMAGE_STYLES, TEXT_STYLES
from horde.kinds.text import TextParams


@pytest.mark.parametrize(
    ("template", "prompt", "filled"),
    [
        ("oil of {p}###photo {np}", "fox###wolf", "oil of fox###photo wolf"),
        ("oil of {p}###photo {np}", "fox", "oil of fox###photo "),
        ("oil of {p}{np}", "fox###wolf", "oil of fox###wolf"),
        ("oil of {p}{np}", "fox", "oil of fox"),
        ("oil of {p}{np}, photo", "fox", "oil of fox###, photo"),
        ("{p} {x} {} { {np}", "fox", "fox {x} {} { "),
        ("{p} and {p}{np}", "a###b###c", "a and a###b###c"),
        ("{p}{np}", "{np} {p}###{p}", "{np} {p}###{p}"),
        ("no places", "fox###wolf", "no places"),
    ],
)
def test_image_prompt_is_filled_in_its_two_parts(template: str, prompt: str, filled: str) -> None:
    assert IMAGE_STYLES.fill(template, prompt) == filled


@pytest.mark.parametrize(
    ("template", "prompt", "filled"),
    [("Sing of {p}!", "foxes", "Sing of foxes!"), ("{p}{np}{name}", "{p}###x", "{p}###x{np}{name}")],
)
def test_text_prompt_is_filled_and_other_braces_stay(template: str, prompt: str, filled: str) -> None:
    assert TEXT_STYLES.fill(template, prompt) == filled


@pytest.mark.parametrize("fill", [IMAGE_STYLES.fill, TEXT_STYLES.fill], ids=["image", "text"])
def test_prompt_that_would_be_blown_up_is_refused_before_it_is(fill: Callable[[str, str], str]) -> None:

    assert fill("{p}", "x" * 100_000) == "x" * 100_000
    with pytest.raises(InvalidPromptSize):
        fill("{p}" * 3000, "x" * 100_000)


def test_style_keeps_what_its_author_named_but_for_what_is_the_requestors() -> None:
    params = ImageParams(steps=9, n=3, seed="7", control_type="canny", width=128)

    assert IMAGE_STYLES.kept(params, {"steps", "n", "seed", "control_type", "cfg_scale", "unheard_of"}) == {
        "steps": 9, "cfg_scale": 5.0
    }  # fmt: skip


def test_style_takes_the_place_of_all_but_what_it_leaves_open() -> None:
    asked = ImageParams(n=4, seed="7", width=1024, height=768, steps=50, cfg_scale=9, control_type="canny", clip_skip=2)

    merged = IMAGE_STYLES.merged(asked, {"steps": 9, "height": 512})

    assert merged == ImageParams(n=4, seed="7", width=1024, height=512, steps=9, control_type="canny")


def test_text_style_leaves_lengths_open_unless_it_names_them() -> None:
    asked = TextParams(n=2, max_length=300, max_context_length=4000, top_k=7)

    assert TEXT_STYLES.merged(asked, {"max_context_length": 1000, "top_p": 0.5}) == TextParams(
        n=2, max_length=300, max_context_length=1000, top_p=0.5
    )
