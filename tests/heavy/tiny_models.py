"""Models small enough to be made on the spot, of the real classes, with weights of a fixed chance."""

from pathlib import Path

import diffusers
import torch
import transformers
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPVisionConfig

from tests.heavy.tiny_tokenizers import TOKENS_MAX, clip_tokenizer, t5_tokenizer

WIDTH = 32
LAYERS = 5
"""Both of text encoders."""
CHANNELS = (32, 64)
VAE_CHANNELS = (32, 32, 32, 32)
"""Four levels, so that a latent is an eighth of its picture, as in the real ones."""
SD_SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "set_alpha_to_one": False,
}


def save_sd(folder: Path) -> None:
    """A model of the family of Stable Diffusion 1.5."""
    torch.manual_seed(1)
    tokenizer = clip_tokenizer()
    diffusers.StableDiffusionPipeline(
        unet=_unet(cross_attention_dim=WIDTH),
        vae=_vae(latent_channels=4),
        text_encoder=transformers.CLIPTextModel(_text_config(tokenizer)),
        tokenizer=tokenizer,
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, **SD_SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def save_sdxl(folder: Path, *, second_width: int = WIDTH, second_layers: int = LAYERS) -> None:
    """`second_...` are of its second text encoder."""
    torch.manual_seed(2)
    tokenizer = clip_tokenizer()
    second = _text_config(tokenizer, width=second_width, layers=second_layers)
    diffusers.StableDiffusionXLPipeline(
        unet=_unet(
            cross_attention_dim=WIDTH + second_width,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=second_width + 6 * 8,
        ),
        vae=_vae(latent_channels=4),
        text_encoder=transformers.CLIPTextModel(_text_config(tokenizer)),
        text_encoder_2=transformers.CLIPTextModelWithProjection(second),
        tokenizer=tokenizer,
        tokenizer_2=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
    ).save_pretrained(folder)


def save_flux(folder: Path) -> None:
    torch.manual_seed(3)
    tokenizer = clip_tokenizer()
    t5 = t5_tokenizer()
    diffusers.FluxPipeline(
        transformer=_flux_transformer(),
        vae=_vae(latent_channels=4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1),
        text_encoder=transformers.CLIPTextModel(_text_config(tokenizer)),
        tokenizer=tokenizer,
        text_encoder_2=transformers.T5EncoderModel(
            transformers.T5Config(
                vocab_size=len(t5), d_model=WIDTH, d_kv=8, d_ff=37, num_layers=2, num_heads=4, decoder_start_token_id=0
            )
        ),
        tokenizer_2=t5,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    ).save_pretrained(folder)


def save_controlnet(folder: Path, *, is_xl: bool) -> None:
    """A ControlNet for the tiny models, whose answers are not zero as those of a fresh one are."""
    torch.manual_seed(4)
    more = (
        {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": WIDTH + 6 * 8,
        }
        if is_xl
        else {}
    )
    net = diffusers.ControlNetModel(
        block_out_channels=CHANNELS,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        cross_attention_dim=2 * WIDTH if is_xl else WIDTH,
        attention_head_dim=8,
        norm_num_groups=16,
        conditioning_embedding_out_channels=(16, 32, 32, 32),
        **more,
    )
    for parameter in net.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.5)
    net.save_pretrained(folder)


def save_lora(path: Path) -> None:
    """A LoRA for the tiny SD model, for its unet and its text encoder."""
    torch.manual_seed(5)
    pipeline = diffusers.StableDiffusionPipeline
    unet, text = _unet(cross_attention_dim=WIDTH), transformers.CLIPTextModel(_text_config(clip_tokenizer()))
    layers = _lora_of(unet, ("to_q", "to_v"))
    text_layers = _lora_of(text, ("q_proj", "v_proj"))
    pipeline.save_lora_weights(
        path.parent, unet_lora_layers=layers, text_encoder_lora_layers=text_layers, weight_name=path.name
    )


def save_flux_lora(path: Path) -> None:
    """A LoRA for the tiny Flux model, for its transformer alone, as they are."""
    torch.manual_seed(10)
    layers = _lora_of(_flux_transformer(), ("to_q", "to_v"))
    diffusers.FluxPipeline.save_lora_weights(path.parent, transformer_lora_layers=layers, weight_name=path.name)


def save_embedding(path: Path, *, rows: int = 2, width: int = WIDTH) -> None:
    """A textual inversion for the tiny SD model, in the web UIs' format."""
    torch.manual_seed(6)
    save_file({"emb_params": torch.randn(rows, width)}, path)


def save_xl_embedding(path: Path) -> None:
    torch.manual_seed(7)
    save_file({"clip_l": torch.randn(1, WIDTH), "clip_g": torch.randn(1, WIDTH)}, path)


def save_depth_estimator(folder: Path) -> None:
    """A network that sees some depth or other in every picture."""
    torch.manual_seed(9)
    config = transformers.DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=37,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[16, 16, 16, 16],
        fusion_hidden_size=16,
        is_hybrid=False,
    )
    transformers.DPTForDepthEstimation(config).save_pretrained(folder)
    transformers.DPTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def save_safety_checker(folder: Path, *, finds: bool) -> None:
    """A checker that finds something in every picture, or in none."""
    torch.manual_seed(8)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=30,
        patch_size=2,
        projection_dim=WIDTH,
    )
    config = transformers.CLIPConfig(
        text_config=CLIPTextConfig(hidden_size=WIDTH).to_dict(), vision_config=vision.to_dict(), projection_dim=WIDTH
    )
    checker = StableDiffusionSafetyChecker(config)
    # Its verdict is whether a similarity, from -1 to 1, is above these thresholds.
    for weights in (checker.concept_embeds_weights, checker.special_care_embeds_weights):
        weights.data.fill_(-2.0 if finds else 2.0)
    checker.save_pretrained(folder)
    transformers.CLIPImageProcessor(size=30, crop_size=30).save_pretrained(folder)


def _unet(**more: object) -> diffusers.UNet2DConditionModel:
    return diffusers.UNet2DConditionModel(
        block_out_channels=CHANNELS,
        layers_per_block=1,
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=8,
        norm_num_groups=16,
        **more,
    )


def _flux_transformer() -> diffusers.FluxTransformer2DModel:
    return diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        axes_dims_rope=(4, 4, 8),
        guidance_embeds=True,
    )


def _vae(**more: object) -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        block_out_channels=VAE_CHANNELS,
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * len(VAE_CHANNELS),
        up_block_types=("UpDecoderBlock2D",) * len(VAE_CHANNELS),
        norm_num_groups=16,
        sample_size=64,
        **more,
    )


def _text_config(tokenizer: transformers.CLIPTokenizer, *, width: int = WIDTH, layers: int = LAYERS) -> CLIPTextConfig:
    return CLIPTextConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        hidden_size=width,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=layers,
        vocab_size=len(tokenizer),
        max_position_embeddings=TOKENS_MAX,
        projection_dim=width,
    )


def _lora_of(network: torch.nn.Module, names: tuple[str, ...], rank: int = 4) -> dict[str, torch.Tensor]:
    layers = {}
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Linear) and name.endswith(names):
            layers[f"{name}.lora_A.weight"] = torch.randn(rank, layer.in_features)
            layers[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, rank)
    return layers
