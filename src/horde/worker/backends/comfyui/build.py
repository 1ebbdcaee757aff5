"""Builds ComfyUI's graph for an order out of its own nodes, so that a ComfyUI without any extensions can do it."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import UNSET

from horde.kinds.image_params import ImageParams
from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import BackendFailed, ImageOrder
from horde.worker.backends.comfyui.graph import Graph, Output
from horde.worker.backends.comfyui.samplers import sampler_of, schedule_of
from horde.worker.backends.comfyui.stock import Stock
from horde.worker.backends.embedding_words import PREFIX, renamed
from horde.worker.backends.image_details import DENOISING, HIRES_DENOISING, first_pass, left_out
from horde.worker.backends.lending import Lent
from horde.worker.backends.triggers import triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The pictures of an order, as ComfyUI's `LoadImage` calls them."""

    picture: str | None = None
    mask: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is the same for each picture of an order."""

    order: ImageOrder
    details: ImageParams
    checkpoint: str
    stock: Stock
    uploaded: Uploaded = field(default_factory=Uploaded)
    lent: Lent = field(default_factory=Lent)

    @property
    def is_drawn_anew(self) -> bool:
        """Whether the picture begins with noise: a picture that came along, if any, only guides it."""
        return self.uploaded.picture is None or self.details.control_type is not UNSET

    @property
    def size_first(self) -> tuple[int, int]:
        """The size that is made first; smaller than the order's where the hires fix is to enlarge it."""
        if not self.details.hires_fix or not self.is_drawn_anew:
            return self.order.width, self.order.height
        return first_pass(self.order, self.checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A graph, and what the requestor should know of it."""

    graph: Graph
    metadata: tuple[GenMetadata, ...]


@dataclass(slots=True, kw_only=True)
class _Parts:
    """What is handed from step to step while a graph is built."""

    model: Output
    clip: Output
    vae: Output
    positive: Output
    negative: Output


def built(plan: Plan, seed: int) -> Built:
    """The graph of one picture. Raises BackendFailed for what cannot be done."""
    graph = Graph()
    loaded = graph.add("CheckpointLoaderSimple", ckpt_name=plan.checkpoint)
    metadata = _remarks(plan.details)
    model, clip = _with_loras(graph, plan, loaded[0], loaded[1], metadata)
    skip = plan.details.clip_skip
    if skip is not UNSET and skip > 1:
        clip = graph.add("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-skip)
    positive, negative = _prompts(plan, metadata)
    parts = _Parts(
        model=model,
        clip=clip,
        vae=loaded[2],
        positive=graph.add("CLIPTextEncode", clip=clip, text=positive),
        negative=graph.add("CLIPTextEncode", clip=clip, text=negative),
    )
    graph.add("PreviewImage", images=_picture(graph, plan, parts, seed))
    return Built(graph=graph, metadata=tuple(metadata))


def _picture(graph: Graph, plan: Plan, parts: _Parts, seed: int) -> Output:
    details = plan.details
    if details.control_type is not UNSET:
        control_map = _controlled(graph, plan, parts)
        if details.return_control_map:
            return control_map
    latent, denoise = _begun(graph, plan, parts)
    latent = _sampled(graph, plan, parts, latent, seed, denoise)
    if plan.size_first != (plan.order.width, plan.order.height):
        latent = _enlarged(graph, plan, parts, latent, seed)
    return graph.add("VAEDecode", samples=latent, vae=parts.vae)


def _begun(graph: Graph, plan: Plan, parts: _Parts) -> tuple[Output, float]:
    """The latent to begin with, and how much of it is to be made anew."""
    details, uploaded = plan.details, plan.uploaded
    if uploaded.picture is None or plan.is_drawn_anew:
        width, height = plan.size_first
        return graph.add("EmptyLatentImage", width=width, height=height, batch_size=1), 1.0
    asked = details.denoising_strength
    picture = graph.add("LoadImage", image=uploaded.picture)
    if uploaded.mask is None:
        return graph.add("VAEEncode", pixels=picture, vae=parts.vae), DENOISING if asked is UNSET else asked
    # Serves models that were trained to paint as well as those that were not.
    painted = graph.add(
        "InpaintModelConditioning",
        positive=parts.positive,
        negative=parts.negative,
        vae=parts.vae,
        pixels=picture,
        mask=graph.add("LoadImageMask", image=uploaded.mask, channel="red"),
        noise_mask=True,
    )
    parts.positive, parts.negative = painted[0], painted[1]
    return painted[2], 1.0 if asked is UNSET else asked


def _sampled(graph: Graph, plan: Plan, parts: _Parts, latent: Output, seed: int, denoise: float) -> Output:
    return graph.add(
        "KSampler",
        model=parts.model,
        positive=parts.positive,
        negative=parts.negative,
        latent_image=latent,
        seed=seed,
        steps=plan.order.steps,
        cfg=plan.details.cfg_scale,
        sampler_name=sampler_of(plan.details),
        scheduler=schedule_of(plan.details),
        denoise=denoise,
    )


def _enlarged(graph: Graph, plan: Plan, parts: _Parts, latent: Output, seed: int) -> Output:
    """The second pass of the hires fix."""
    asked = plan.details.hires_fix_denoising_strength
    larger = graph.add(
        "LatentUpscale",
        samples=latent,
        upscale_method="bilinear",
        width=plan.order.width,
        height=plan.order.height,
        crop="disabled",
    )
    return _sampled(graph, plan, parts, larger, seed, HIRES_DENOISING if asked is UNSET else asked)


def _with_loras(
    graph: Graph, plan: Plan, model: Output, clip: Output, metadata: list[GenMetadata]
) -> tuple[Output, Output]:
    for lora in plan.details.loras or ():
        file = plan.stock.loras.get(lora.name.lower()) or plan.lent.loras.get((lora.name, lora.is_version))
        if file is None:
            metadata.append(GenMetadata(type="lora", value="download_failed", ref=lora.name))
            continue
        loaded = graph.add(
            "LoraLoader",
            model=model,
            clip=clip,
            lora_name=file,
            strength_model=lora.model,
            strength_clip=lora.clip,
        )
        model, clip = loaded[0], loaded[1]
    return model, clip


def _prompts(plan: Plan, metadata: list[GenMetadata]) -> tuple[str, str]:
    """The prompts with what was asked for in them: words that wake LoRAs, and textual inversions."""
    positive = ", ".join(filter(None, [plan.order.prompt, *triggers(plan.details.loras or (), plan.order.add_ons)]))
    negative = plan.order.negative_prompt
    for inversion in plan.details.tis or ():
        if inversion.name.lower() not in plan.stock.embeddings and inversion.name not in plan.lent.embeddings:
            metadata.append(GenMetadata(type="ti", value="download_failed", ref=inversion.name))
        elif inversion.inject_ti is not UNSET:
            word = f", ({PREFIX}{inversion.name}:{inversion.strength})"
            if inversion.inject_ti == "prompt":
                positive += word
            else:
                negative += word
    # Also where the requestor wrote it into the prompt himself.
    words = {
        f"{PREFIX}{name.lower()}": f"{PREFIX}{file}"
        for name, file in plan.lent.embeddings.items()
        if name.lower() not in plan.stock.embeddings
    }
    return renamed(positive, words), renamed(negative, words)


def _controlled(graph: Graph, plan: Plan, parts: _Parts) -> Output:
    """Let a ControlNet guide the picture; what it is guided by is returned."""
    control = plan.details.control_type
    assert control is not UNSET
    if plan.uploaded.picture is None:
        raise BackendFailed(f"the ControlNet {control} needs a picture to go by, and none came along")
    file, kind = plan.stock.controlnets.get(control), plan.stock.preprocessors.get(control)
    if file is None:
        raise BackendFailed(f"ComfyUI has no ControlNet for {control}: no file with that word in its name")
    guide = graph.add("LoadImage", image=plan.uploaded.picture)
    if not plan.details.image_is_control:
        if kind is None:
            raise BackendFailed(f"ComfyUI lacks the node that draws the map for {control}")
        thresholds = {"low_threshold": 0.4, "high_threshold": 0.8} if kind == "Canny" else {}
        guide = graph.add(kind, image=guide, **thresholds)
    applied = graph.add(
        "ControlNetApplyAdvanced",
        positive=parts.positive,
        negative=parts.negative,
        control_net=graph.add("ControlNetLoader", control_net_name=file),
        image=guide,
        strength=1.0,
        start_percent=0.0,
        end_percent=1.0,
    )
    parts.positive, parts.negative = applied[0], applied[1]
    return guide


def _remarks(details: ImageParams) -> list[GenMetadata]:
    """What no node of ComfyUI's own does, so that pictures are made without it."""
    asked = {
        "tiling": details.tiling,
        "transparency": details.transparent,
        "the workflow": details.workflow is not UNSET,
        "post-processing": bool(details.post_processing),
    }
    return [left_out(what) for what, is_asked in asked.items() if is_asked]
