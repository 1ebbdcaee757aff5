"""The operator's own graphs are filled with an order, and bad ones are refused when the worker starts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from horde.worker.backends.base import BackendFailed, ImageOrder, Picture, Progress
from horde.worker.backends.comfyui import ComfyUI
from horde.worker.backends.comfyui.build import Plan, Uploaded
from horde.worker.backends.comfyui.stock import Stock
from horde.worker.backends.comfyui.templates import read_templates
from horde.worker.backends.image_details import details_of
from tests.worker.backends.programs.recording import read
from tests.worker.backends.programs.replay import replayed
from tests.worker.backends.programs.scenes import PLAYS, image_order

NOTHING = Stock(checkpoints=(), loras={}, embeddings=frozenset(), controlnets={}, preprocessors={})


def node(**inputs: Any) -> dict[str, Any]:
    return {"7": {"class_type": "Anything", "inputs": inputs}}


def kept(folder: Path, **graphs: Any) -> Path:
    for name, graph in graphs.items():
        (folder / f"{name.replace('__', '.')}.json").write_text(json.dumps(graph))
    return folder


def filled(folder: Path, model: str, uploaded: Uploaded | None = None, **payload: object) -> dict[str, Any]:
    order = image_order(model, **payload)  # type: ignore[arg-type]  # the payload has none of its own parameters
    plan = Plan(order=order, details=details_of(order), checkpoint="", stock=NOTHING, uploaded=uploaded or Uploaded())
    graph = read_templates(folder).graph(plan, 5)
    assert graph is not None
    inputs = graph.nodes["7"]["inputs"]
    assert isinstance(inputs, dict)
    return inputs


def test_word_alone_becomes_a_value_and_within_a_text_a_part_of_it(tmp_path: Path) -> None:
    folder = kept(
        tmp_path, flux=node(seed="{{seed}}", text="masterpiece, {{ prompt }} ({{steps}})", link=["4", 0], cfg=1.5)
    )

    assert filled(folder, "flux") == {
        "seed": 5, "text": "masterpiece, a horde of stable robots (2)", "link": ["4", 0], "cfg": 1.5,
    }  # fmt: skip


def test_words_in_the_prompt_of_a_requestor_stay_as_they_are(tmp_path: Path) -> None:
    folder = kept(tmp_path, flux=node(text="{{prompt}}", other="{{negative_prompt}}"))
    order = replace(image_order("flux"), prompt="{{seed}} {{negative_prompt}}")
    plan = Plan(order=order, details=details_of(order), checkpoint="", stock=NOTHING)

    graph = read_templates(folder).graph(plan, 5)

    assert graph is not None
    assert graph.nodes["7"]["inputs"] == {"text": "{{seed}} {{negative_prompt}}", "other": "ugly"}


def test_picture_to_begin_with_takes_the_graph_for_it(tmp_path: Path) -> None:
    folder = kept(
        tmp_path,
        flux=node(text="{{prompt}}"),
        flux__img2img=node(image="{{source_image}}", denoise="{{denoise}}"),
        flux__inpainting=node(image="{{source_image}}", mask="{{source_mask}}"),
    )

    assert filled(folder, "flux", Uploaded(picture="p")) == {"image": "p", "denoise": 0.75}
    assert filled(folder, "flux", Uploaded(picture="p", mask="m")) == {"image": "p", "mask": "m"}
    assert read_templates(folder).all_can("img2img")


def test_what_one_model_cannot_do_is_not_offered_for_any(tmp_path: Path) -> None:
    folder = kept(tmp_path, flux=node(), flux__img2img=node(), wan=node())

    assert not read_templates(folder).all_can("img2img")
    with pytest.raises(BackendFailed, match=r"there is no graph wan\.img2img\.json"):
        filled(folder, "wan", Uploaded(picture="p"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("flux.json", "no json", "is no graph"),
        ("flux.json", "{}", "a node without class_type"),
        ("flux.json", '{"nodes": [], "links": []}', "is no graph"),
        ("flux.json", json.dumps(node(text="{{promt}}")), "unknown words promt; known are .*prompt"),
        ("flux.img2img.json", json.dumps(node()), r"needs a flux\.json beside it"),
        ("flux.json", " " * 1_000_001, "so it is no graph"),
    ],
    ids=["text", "empty", "made for the page", "unknown word", "no graph to go with", "too large"],
)
def test_file_that_is_no_template_is_refused_with_its_name(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(BackendFailed, match=reason) as failed:
        read_templates(tmp_path)
    assert name in str(failed.value)


def test_missing_folder_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BackendFailed, match=r"there is no folder .*nowhere"):
        read_templates(tmp_path / "nowhere")


async def test_real_comfyui_makes_a_picture_by_a_graph_of_ones_own(tmp_path: Path) -> None:
    """The graph that our own builder makes for a scene, kept as a file: what ComfyUI made of it was recorded."""
    play = PLAYS["comfyui"]
    recording = read(play.file("one"))
    posted = next(e for e in recording.exchanges if (e.method, e.path) == ("POST", "/prompt"))
    graph = json.loads(posted.asked.content)["prompt"]
    graph["5"]["inputs"] |= {"seed": "{{seed}}", "steps": "{{steps}}", "cfg": "{{cfg_scale}}"}
    graph["2"]["inputs"]["text"] = "a horde of {{prompt}}"
    (tmp_path / "own graph.json").write_text(json.dumps(graph))
    order = play.scenes["one"]
    assert isinstance(order, ImageOrder)
    told: list[Progress] = []

    async with replayed(recording) as replay:
        backend = ComfyUI(url=replay.url, templates=tmp_path)
        await backend.start()
        models = backend.abilities.models
        made: list[Picture] = list(
            await backend.generate(replace(order, model="own graph", prompt="stable robots"), told.append)
        )
        await backend.close()

    assert models == ("own graph", "tiny_sd15")
    assert [picture.seed for picture in made] == [order.seeds[0]]
