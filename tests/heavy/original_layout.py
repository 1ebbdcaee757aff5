"""Lays models out as their first publishers did, in a single file: the names that diffusers gives, backwards."""

import re
from collections.abc import Mapping, Sequence

import diffusers
import torch

Tensors = dict[str, torch.Tensor]
Renaming = Sequence[tuple[str, str]]
RESNET: Renaming = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("time_emb_proj", "emb_layers.1"),
    ("conv_shortcut", "skip_connection"),
)
UNET: Renaming = (
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("conv_in.", "input_blocks.0.0."),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
    ("mid_block.resnets.0", "middle_block.0"),
    ("mid_block.attentions.0", "middle_block.1"),
    ("mid_block.resnets.1", "middle_block.2"),
)
VAE: Renaming = (
    ("conv_shortcut", "nin_shortcut"),
    ("conv_norm_out", "norm_out"),
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("mid_block.attentions.0", "mid.attn_1"),
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
)
OPEN_CLIP: Renaming = (
    ("text_model.", ""),
    ("encoder.layers.", "transformer.resblocks."),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("embeddings.token_embedding", "token_embedding"),
    ("final_layer_norm", "ln_final"),
    ("text_projection.weight", "text_projection"),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn", "attn"),
)


def original(pipeline: diffusers.DiffusionPipeline) -> Tensors:
    """The tensors of a Stable Diffusion 1 or XL model by their first names. They may be without numbers ("meta")."""
    tensors = _under("model.diffusion_model", _unet(pipeline.unet)) | _under("first_stage_model", _vae(pipeline.vae))
    encoder = _under("text_model", _without("text_model.", pipeline.text_encoder.state_dict()))
    if not hasattr(pipeline, "text_encoder_2"):
        return tensors | _under("cond_stage_model.transformer", encoder)
    second = _open_clip(pipeline.text_encoder_2.state_dict())
    return (
        tensors
        | _under("conditioner.embedders.0.transformer", encoder)
        | _under("conditioner.embedders.1.model", second)
    )


def _unet(network: diffusers.UNet2DConditionModel) -> Tensors:
    layers = network.config.layers_per_block + 1

    def place(name: str) -> str:
        if found := re.match(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
            way, block, sort, layer, rest = found.groups()
            number = int(block) * layers + int(layer) + (way == "down")
            # Only resnets have parts that were called otherwise; those of attentions are alike.
            rest = _renamed(rest, RESNET) if sort == "resnets" else rest
            return f"{'input' if way == 'down' else 'output'}_blocks.{number}.{int(sort == 'attentions')}.{rest}"
        if found := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.*)", name):
            return f"input_blocks.{(int(found[1]) + 1) * layers}.0.op.{found[2]}"
        if found := re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.*)", name):
            block = int(found[1])
            after = 2 if hasattr(network.up_blocks[block], "attentions") else 1
            return f"output_blocks.{block * layers + layers - 1}.{after}.conv.{found[2]}"
        return _renamed(name, (*UNET, *RESNET) if "resnets" in name else UNET)

    return {place(name): tensor for name, tensor in network.state_dict().items()}


def _vae(network: diffusers.AutoencoderKL) -> Tensors:
    last = len(network.config.block_out_channels) - 1

    def place(name: str) -> str:
        if found := re.match(r"(encoder\.down|decoder\.up)_blocks\.(\d+)\.(.*)", name):
            way, number, rest = found[1], int(found[2]), found[3]
            rest = rest.replace("resnets", "block").replace("samplers.0.", "sample.")
            name = f"{way}.{number if way == 'encoder.down' else last - number}.{rest}"
        return _renamed(name, VAE)

    laid = {}
    for name, tensor in network.state_dict().items():
        is_matrix = "attentions" in name and tensor.dim() == 2
        laid[place(name)] = tensor[:, :, None, None] if is_matrix else tensor
    return laid


def _open_clip(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    laid: Tensors = {}
    for name, tensor in tensors.items():
        place = _renamed(name, OPEN_CLIP)
        if ".q_proj." in name:
            # One matrix for all three.
            parts = [tensors[name.replace(".q_proj.", f".{part}_proj.")] for part in "qkv"]
            laid[place.replace(".q_proj.", ".in_proj_")] = torch.cat(parts)
        elif ".k_proj." not in name and ".v_proj." not in name:
            laid[place] = tensor.T.contiguous() if place == "text_projection" else tensor
    return laid


def _renamed(name: str, renaming: Renaming) -> str:
    for ours, first in renaming:
        name = name.replace(ours, first)
    return name


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _without(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
