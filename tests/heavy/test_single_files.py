"""Models in single files, as everybody has them: recognised and loaded without the hub, and then the same models."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import accelerate
import diffusers
import pytest
import torch
import transformers
from safetensors.torch import save_file

from horde.worker.backends.base import BackendFailed, Progress
from horde.worker.backends.diffusers.clip_tokenizer import clip_tokenizer
from horde.worker.backends.diffusers.engine import engine
from horde.worker.backends.diffusers.originals import FOLDER
from tests.heavy import tiny_models as tiny
from tests.heavy.conftest import DEVICE, Laid, order_of
from tests.heavy.original_layout import Tensors, original

NETWORKS = {
    "unet": diffusers.UNet2DConditionModel,
    "vae": diffusers.AutoencoderKL,
    "text_encoder": transformers.CLIPTextModel,
    "text_encoder_2": transformers.CLIPTextModelWithProjection,
}
PARAMETERS = {
    ("stable_diffusion_1", "unet"): 859_520_964,
    ("stable_diffusion_1", "vae"): 83_653_863,
    ("stable_diffusion_1", "text_encoder"): 123_060_480,
    ("stable_diffusion_xl", "unet"): 2_567_463_684,
    ("stable_diffusion_xl", "vae"): 83_653_863,
    ("stable_diffusion_xl", "text_encoder"): 123_060_480,
    ("stable_diffusion_xl", "text_encoder_2"): 694_659_840,
}
"""Of the networks that were published."""


def silent(_progress: Progress) -> None:
    """For orders whose progress nobody looks at."""


class Code:
    """Runs when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


@dataclass(frozen=True)
class Files:
    """Folders as diffusers saves models, and their tensors as a single file has them."""

    folder: Path

    def tensors(self, name: str) -> Tensors:
        kind = {"sd": diffusers.StableDiffusionPipeline, "sdxl": diffusers.StableDiffusionXLPipeline}[name]
        return {
            place: tensor.contiguous()
            for place, tensor in original(kind.from_pretrained(self.folder / name, local_files_only=True)).items()
        }

    @property
    def bases(self) -> dict[str, str]:
        return {"stable_diffusion_1": str(self.folder / "sd"), "stable_diffusion_xl": str(self.folder / "sdxl")}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    tiny.save_sd(folder / "sd")
    # By its width and its tenth layer the second encoder is told from the first.
    tiny.save_sdxl(folder / "sdxl", second_width=2 * tiny.WIDTH, second_layers=10)
    return Files(folder)


@pytest.mark.parametrize("model", ["sd", "sdxl"])
@pytest.mark.parametrize("ending", ["safetensors", "ckpt"])
def test_file_is_the_model_that_it_was_made_of(files: Files, tmp_path: Path, model: str, ending: str) -> None:
    tensors = files.tensors(model)
    if ending == "ckpt":
        torch.save({"state_dict": tensors, "global_step": 840_000}, tmp_path / "file.ckpt")
    else:
        save_file(tensors, tmp_path / "file.safetensors")
    places = {"file": str(tmp_path / f"file.{ending}"), "folder": str(files.folder / model)}
    ready = engine(device=DEVICE, options={"models": places, "bases": files.bases, "precision": "float32"})

    assert ready.load().models == ("file", "folder")
    by_file, by_folder = (ready.generate(order_of(3, model=name), silent)[0].picture for name in places)
    assert by_file == by_folder


@pytest.mark.parametrize(("family", "part"), list(PARAMETERS))
def test_shipped_sizes_are_those_of_the_published_networks(family: str, part: str) -> None:
    assert sum(tensor.numel() for tensor in shipped(family, part).parameters()) == PARAMETERS[family, part]


def test_shipped_tokenizer_counts_as_that_of_clip() -> None:
    tokenizer, second = clip_tokenizer(), clip_tokenizer(padding="!")

    # As published with the networks.
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert len(tokenizer) == len(second) == 49408
    assert (tokenizer.pad_token_id, second.pad_token_id, tokenizer.model_max_length) == (49407, 0, 77)


def test_file_of_real_size_is_loaded_with_what_is_shipped(tmp_path: Path) -> None:
    parts = {part: shipped("stable_diffusion_1", part) for part in ("unet", "vae", "text_encoder")}
    write_sparse(tmp_path / "real.safetensors", original(SimpleNamespace(**parts)))
    # No hub is reachable from a test. In half precision all is 2 GB; a picture would take minutes here.
    ready = engine(device=DEVICE, options={"models": str(tmp_path), "precision": "float16"})
    ready.load()

    loaded = ready._models.get("real").whole
    for part, network in parts.items():
        made = getattr(loaded, part).state_dict()
        assert {name: tensor.shape for name, tensor in made.items()} == {
            name: tensor.shape for name, tensor in network.state_dict().items()
        }
        assert {(tensor.device.type, bool(tensor.any())) for tensor in made.values()} == {("cpu", False)}
    assert loaded.tokenizer("a cat").input_ids == [49406, 320, 2368, 49407]


def test_model_that_predicts_velocities_is_known_by_its_mark(files: Files, tmp_path: Path) -> None:
    for name, marks in (("plain", ()), ("velocity", ("v_pred",)), ("without_rest", ("v_pred", "ztsnr"))):
        save_file(files.tensors("sdxl") | {mark: torch.empty(0) for mark in marks}, tmp_path / f"{name}.safetensors")
    ready = engine(
        device=DEVICE,
        options={"models": str(tmp_path), "bases": files.bases, "precision": "float32", "models_in_memory": 3},
    )

    pictures = {ready.generate(order_of(3, model=name), silent)[0].picture for name in ready.load().models}
    assert len(pictures) == 3
    assert ready._models.get("velocity").scheduler_config["prediction_type"] == "v_prediction"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("lora", "laid out as v1.* is of no family that is known"),
        ("sd2", "laid out as v2.* is of no family that is known"),
        ("inpainting", "laid out as inpainting.* is of no family that is known"),
        ("half", "cannot be read: .*"),
        (
            "without_vae",
            "cannot be loaded: Failed to load AutoencoderKL. Weights for this component appear to be missing",
        ),
        ("flux", "has no text encoders, as all single files of flux_1; hint: .* the option bases"),
    ],
)
def test_file_that_cannot_be_used_says_why(files: Files, tmp_path: Path, kind: str, words: str) -> None:
    path = tmp_path / f"{kind}.safetensors"
    tensors, diffusion = files.tensors("sd"), "model.diffusion_model"
    if kind == "lora":
        tiny.save_lora(path)
    elif kind == "sd2":
        save_file(
            tensors | {f"{diffusion}.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight": torch.empty(1, 1024)},
            path,
        )
    elif kind == "inpainting":
        save_file(tensors | {f"{diffusion}.input_blocks.0.0.weight": torch.empty(32, 9, 3, 3)}, path)
    elif kind == "flux":
        save_file({"double_blocks.0.img_attn.norm.key_norm.scale": torch.empty(1)}, path)
    elif kind == "without_vae":
        save_file({name: tensor for name, tensor in tensors.items() if "first_stage" not in name}, path)
    else:
        save_file(tensors, path)
        path.write_bytes(path.read_bytes()[:5000])

    with pytest.raises(BackendFailed, match=words):
        engine(device=DEVICE, options={"models": str(tmp_path), "bases": files.bases}).load()


def test_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    torch.save({"state_dict": {"cond_stage_model.": Code(tmp_path / "was_run")}}, tmp_path / "evil.ckpt")

    with pytest.raises(
        BackendFailed, match=r"evil\.ckpt' cannot be read: Weights only load failed.*; hint: convert it into .safetens"
    ):
        engine(device=DEVICE, options={"models": str(tmp_path)}).load()
    assert not (tmp_path / "was_run").exists()


def test_base_that_is_no_folder_is_refused(files: Files, tmp_path: Path) -> None:
    save_file(files.tensors("sd"), tmp_path / "file.safetensors")
    options = {"models": str(tmp_path), "bases": {"stable_diffusion_1": "somebody/something"}}

    with pytest.raises(BackendFailed, match="is to be a folder, and 'somebody/something' is none"):
        engine(device=DEVICE, options=options).load()


def test_without_a_choice_what_the_shelf_has_for_this_back_end_is_offered(
    files: Files, tmp_path: Path, laid: Laid
) -> None:
    (tmp_path / "Deliberate_ v2").mkdir()
    save_file(files.tensors("sd"), tmp_path / "Deliberate_ v2" / "model.safetensors")
    record = {"name": "Deliberate: v2", "files": [{"name": "model.safetensors", "url": "", "sha256": ""}]}
    (tmp_path / "Deliberate_ v2" / "model.json").write_text(json.dumps(record))
    (tmp_path / "A LoRA").mkdir()
    tiny.save_lora(tmp_path / "A LoRA" / "lora.safetensors")
    options = {"shelf": str(tmp_path), "bases": files.bases}

    assert engine(device=DEVICE, options=options).load().models == ("Deliberate: v2",)
    models = str(laid.folder / "models")
    assert engine(device=DEVICE, options={**options, "models": models}).load().models == ("flux", "sd", "sdxl")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shelf": "/nowhere"}, "there is no model in '/nowhere'; hint: `horde worker models get`"),
        ({}, "no models are named; hint: the option models"),
    ],
)
def test_without_any_model_the_owner_is_told_where_they_come_from(options: dict[str, object], words: str) -> None:
    with pytest.raises(BackendFailed, match=words):
        engine(device=DEVICE, options=options).load()


def shipped(family: str, part: str) -> torch.nn.Module:
    """A network of the shipped sizes, without its numbers."""
    place, kind = FOLDER / family / part, NETWORKS[part]
    with accelerate.init_empty_weights(include_buffers=False):
        if issubclass(kind, diffusers.ModelMixin):
            return kind.from_config(kind.load_config(place))
        return kind(kind.config_class.from_pretrained(place))


def write_sparse(path: Path, shapes: Tensors) -> None:
    """A file of half precision numbers that are all nothing, and so take no place on the disk."""
    header, end = {}, 0
    for name, tensor in shapes.items():
        start, end = end, end + 2 * tensor.numel()
        header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [start, end]}
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    with path.open("wb") as file:
        file.write(len(words).to_bytes(8, "little") + words)
        file.truncate(8 + len(words) + end)
