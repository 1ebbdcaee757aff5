"""Times pictures of real size on a card, by models of real size with random weights: `python -m tests.heavy.measure`.

What a picture costs does not depend on what the weights are. Prints one line a measurement.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import diffusers
import torch
import transformers

from horde.worker.backends.base import ImageOrder, OutOfMemory
from horde.worker.backends.diffusers.engine import DiffusersEngine, engine
from horde.worker.backends.diffusers.families import SD, SDXL, Family
from horde.worker.backends.diffusers.models import Model
from tests.heavy import tiny_models as tiny
from tests.heavy.tiny_tokenizers import TOKENS_MAX, clip_tokenizer

STEPS = 20
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def main() -> None:
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, diffusers {diffusers.__version__}")
    with TemporaryDirectory() as folder:
        tiny.save_sd(Path(folder) / "tiny")
        made = engine(device="cuda", options={"models": folder})
        made.load()
        for name, family, side, build in (("SD 1.5", SD, 512, _sd), ("SDXL", SDXL, 1024, _sdxl)):
            _measure(made, name, family, side, build)


def _measure(
    made: DiffusersEngine, name: str, family: Family, side: int, build: Callable[[], diffusers.DiffusionPipeline]
) -> None:
    # In place of the tiny one, so that everything else is as it is in a worker.
    made._models._loaded["tiny"] = Model(family, build(), torch.float16)
    _timed(made, side, 1, 3)
    for count in (1, 4):
        torch.cuda.reset_peak_memory_stats()
        took_s = _timed(made, side, count, STEPS)
        peak = torch.cuda.max_memory_allocated() / 2**30
        print(f"{name}: {count} of {side}x{side}, {STEPS} steps: {took_s:.2f} s, at most {peak:.1f} GiB")
    held = torch.cuda.memory_allocated() / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(held * 1.05)
    try:
        _timed(made, 2048, 1, 1)
        print(f"{name}: 2048x2048 fits into {held * 1.05:.3f} of the card, which it should not")
    except OutOfMemory as error:
        print(f"{name}: out of memory is told: {error}")
    torch.cuda.set_per_process_memory_fraction(1.0)
    print(f"{name}: after that, {_timed(made, side, 1, STEPS):.2f} s")


def _timed(made: DiffusersEngine, side: int, count: int, steps: int) -> float:
    order = ImageOrder(
        model="tiny",
        prompt="a red horse",
        negative_prompt="blurry",
        width=side,
        height=side,
        steps=steps,
        seeds=tuple(range(count)),
        payload={},
    )
    began_at = time.perf_counter()
    made.generate(order, lambda _progress: None)
    return time.perf_counter() - began_at


@contextmanager
def _on_the_card(device: str = "cuda") -> Iterator[None]:
    """Within it, networks are made where they are to work; a schedule cannot be."""
    torch.set_default_dtype(torch.float16)
    with torch.device(device):
        yield
    torch.set_default_dtype(torch.float32)


def _sd() -> diffusers.StableDiffusionPipeline:
    with _on_the_card():
        networks = {
            "unet": diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768),
            "vae": _vae(0.18215),
            "text_encoder": transformers.CLIPTextModel(_text(768, 3072, 12, 12)),
        }
    return diffusers.StableDiffusionPipeline(
        **networks,
        tokenizer=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(**NOISE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> diffusers.StableDiffusionXLPipeline:
    with _on_the_card():
        networks = {
            "unet": diffusers.UNet2DConditionModel(
                sample_size=128,
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                block_out_channels=(320, 640, 1280),
                transformer_layers_per_block=(1, 2, 10),
                attention_head_dim=(5, 10, 20),
                cross_attention_dim=2048,
                use_linear_projection=True,
                addition_embed_type="text_time",
                addition_time_embed_dim=256,
                projection_class_embeddings_input_dim=2816,
            ),
            "vae": _vae(0.13025),
            "text_encoder": transformers.CLIPTextModel(_text(768, 3072, 12, 12)),
            "text_encoder_2": transformers.CLIPTextModelWithProjection(_text(1280, 5120, 32, 20)),
        }
    return diffusers.StableDiffusionXLPipeline(
        **networks,
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(**NOISE),
    )


def _vae(scaling_factor: float) -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        sample_size=512,
        scaling_factor=scaling_factor,
    )


def _text(width: int, inner: int, layers: int, heads: int) -> transformers.CLIPTextConfig:
    tokenizer = clip_tokenizer()
    return transformers.CLIPTextConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        vocab_size=49408,
        max_position_embeddings=TOKENS_MAX,
        projection_dim=width,
    )


if __name__ == "__main__":
    main()
