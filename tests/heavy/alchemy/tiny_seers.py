"""Models that look at pictures, small enough to be made on the spot, of the real classes."""

from pathlib import Path

import torch
import transformers

from tests.heavy.tiny_tokenizers import clip_tokenizer

SIDE_PX = 32
SMALL = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
VISION = {**SMALL, "image_size": SIDE_PX, "patch_size": 16}


def save_clip(folder: Path) -> None:
    torch.manual_seed(1)
    tokenizer = clip_tokenizer()
    text = {**SMALL, "vocab_size": len(tokenizer), **_ends(tokenizer)}
    config = transformers.CLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)
    transformers.CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_eye(transformers.CLIPImageProcessor, folder, crop_size={"height": SIDE_PX, "width": SIDE_PX})


def save_captioner(folder: Path) -> None:
    """A BLIP."""
    torch.manual_seed(2)
    tokenizer = clip_tokenizer()
    text = {**SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 64, "encoder_hidden_size": 32}
    text |= {**_ends(tokenizer), "sep_token_id": tokenizer.eos_token_id}
    config = transformers.BlipConfig(text_config=text, vision_config=VISION)
    transformers.BlipForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_eye(transformers.BlipImageProcessor, folder)


def save_describer(folder: Path) -> None:
    """A vision encoder with a decoder of texts."""
    torch.manual_seed(3)
    tokenizer = clip_tokenizer()
    eye = transformers.ViTConfig(**VISION)
    pen = transformers.GPT2Config(
        n_embd=32, n_layer=1, n_head=2, vocab_size=len(tokenizer), is_decoder=True, add_cross_attention=True
    )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(eye, pen)
    config.decoder_start_token_id = tokenizer.bos_token_id
    config.pad_token_id = config.eos_token_id = tokenizer.eos_token_id
    model = transformers.VisionEncoderDecoderModel(config)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _save_eye(transformers.ViTImageProcessor, folder)


def save_classifier(folder: Path, *, labels: tuple[str, str], finds: int) -> None:
    """A classifier that finds one label in every picture."""
    names = dict(enumerate(labels))
    config = transformers.ViTConfig(**VISION, id2label=names, label2id={label: at for at, label in names.items()})
    model = transformers.ViTForImageClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.nn.functional.one_hot(torch.tensor(finds), 2) * 9.0)
    model.save_pretrained(folder)
    _save_eye(transformers.ViTImageProcessor, folder)


def _save_eye(kind: type, folder: Path, **more: object) -> None:
    kind(size={"height": SIDE_PX, "width": SIDE_PX}, **more).save_pretrained(folder)


def _ends(tokenizer: transformers.CLIPTokenizer) -> dict[str, int]:
    first, last = tokenizer.bos_token_id, tokenizer.eos_token_id
    return {"bos_token_id": first, "eos_token_id": last, "pad_token_id": last}
