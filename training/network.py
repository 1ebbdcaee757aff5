"""The network: a small transformer reads the words, a U-Net takes the noise off a picture.

    pictures (B, 3, H, W) in -1..1, H and W multiples of 8
      └ 2x2 pixels to channels ─ 1/2 size, 64 channels ─ 1/4, 128, attention ─ 1/8, 160, four transformers ─ back up

Preconditioned after Karras et al. 2022 (arXiv:2206.00364), so that its sigmas are those of the k-samplers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from horde.worker.backends.tiny.words import TOKENS_MAX, vocabulary

SIGMA_DATA = 0.55
"""Standard deviation of the drawn pictures, in -1..1, as measured over 1,000 of them."""
WORDS = 96
"""Width of the text encoder."""
CHANNELS = (64, 128, 160)
"""At a half, a quarter and an eighth of the size."""
CONDITION = 128
HEAD = 32
GROUPS = 8
FREQUENCIES = 32


class GroupNorm(nn.GroupNorm):
    """In the precision of its input: torch's autocast would go to float32 and back, at twice the traffic."""

    def forward(self, x: Tensor) -> Tensor:
        """Statistics are in float32 all the same, inside of the kernel."""
        with torch.autocast(x.device.type, enabled=False):
            return functional.group_norm(x, self.num_groups, self.weight.to(x.dtype), self.bias.to(x.dtype), self.eps)


class LayerNorm(nn.LayerNorm):
    """As `GroupNorm`."""

    def forward(self, x: Tensor) -> Tensor:
        """Over the last dimension."""
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
            return functional.layer_norm(x, self.normalized_shape, weight, bias, self.eps)


class TextEncoder(nn.Module):
    """Tokens (B, T) to a state of each (B, T, WORDS) and one of all (B, CONDITION)."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(len(vocabulary().tokens) + 1, WORDS)
        self.places = nn.Parameter(torch.randn(TOKENS_MAX, WORDS) * 0.02)
        self.layers = nn.ModuleList(Transformer(WORDS, expansion=2) for _ in range(3))
        self.norm = LayerNorm(WORDS)
        self.pool = nn.Linear(WORDS, CONDITION)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Padding is heeded like a word: it says where the prompt ends."""
        states = self.tokens(tokens) + self.places
        for layer in self.layers:
            states = layer(states)
        states = self.norm(states)
        return states, self.pool(states.mean(1))


class Attention(nn.Module):
    """Of every place to all places, and to all words where there are any, in one softmax."""

    def __init__(self, channels: int, words: int = 0) -> None:
        super().__init__()
        self.heads = channels // HEAD
        self.to_all = nn.Linear(channels, 3 * channels)
        self.of_words = nn.Linear(words, 2 * channels) if words else None
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, words: Tensor | None = None) -> Tensor:
        """(B, N, channels) and perhaps (B, T, words) to (B, N, channels)."""
        query, key, value = self.to_all(x).chunk(3, -1)
        if self.of_words is not None and words is not None:
            word_key, word_value = self.of_words(words).chunk(2, -1)
            key, value = torch.cat((key, word_key), 1), torch.cat((value, word_value), 1)
        mixed = functional.scaled_dot_product_attention(self._split(query), self._split(key), self._split(value))
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, HEAD)).transpose(1, 2)


class Transformer(nn.Module):
    """Attention and, with an expansion, two linear layers at every place."""

    def __init__(self, channels: int, *, words: int = 0, expansion: int = 0) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)
        self.attention = Attention(channels, words)
        self.mlp = (
            nn.Sequential(
                LayerNorm(channels),
                nn.Linear(channels, expansion * channels),
                nn.GELU(approximate="tanh"),
                nn.Linear(expansion * channels, channels),
            )
            if expansion
            else None
        )

    def forward(self, x: Tensor, words: Tensor | None = None) -> Tensor:
        """(B, N, channels), as they came plus what was found."""
        x = x + self.attention(self.norm(x), words)
        return x if self.mlp is None else x + self.mlp(x)


class Block(nn.Module):
    """Two convolutions, the second scaled and shifted by the condition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = GroupNorm(GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.condition = nn.Linear(CONDITION, 2 * channels)
        self.norm2 = GroupNorm(GROUPS, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, H, W)."""
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, 1)
        hidden = self.conv1(functional.silu(self.norm1(x)))
        hidden = self.norm2(hidden) * (1 + scale) + shift
        return x + self.conv2(functional.silu(hidden))


class UNet(nn.Module):
    """Takes the noise off. `denoised` is what it is for; `forward` is what is trained."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = CHANNELS
        self.noise = nn.Sequential(nn.Linear(2 * FREQUENCIES, CONDITION), nn.SiLU(), nn.Linear(CONDITION, CONDITION))
        self.register_buffer("frequencies", torch.logspace(0, 2, FREQUENCIES) * 0.5)
        self.stem = nn.Conv2d(3 * 4 + 2, half, 3, padding=1)
        self.down0 = Block(half)
        self.to1 = nn.Conv2d(half, quarter, 3, stride=2, padding=1)
        self.down1 = nn.ModuleList(Block(quarter) for _ in range(2))
        self.look_down = Transformer(quarter, words=WORDS)
        self.to2 = nn.Conv2d(quarter, eighth, 3, stride=2, padding=1)
        self.down2 = Block(eighth)
        self.middle = nn.ModuleList(Transformer(eighth, words=WORDS, expansion=2) for _ in range(4))
        self.up2 = Block(eighth)
        self.from2 = nn.Conv2d(eighth, quarter, 3, padding=1)
        self.join1 = nn.Conv2d(2 * quarter, quarter, 1)
        self.up1 = nn.ModuleList(Block(quarter) for _ in range(2))
        self.look_up = Transformer(quarter, words=WORDS)
        self.from1 = nn.Conv2d(quarter, half, 3, padding=1)
        self.join0 = nn.Conv2d(2 * half, half, 1)
        self.up0 = nn.ModuleList(Block(half) for _ in range(2))
        self.norm = GroupNorm(GROUPS, half)
        self.out = nn.Conv2d(half, 3 * 4, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, noise: Tensor, words: Tensor, pooled: Tensor) -> Tensor:
        """`x` scaled to unit variance and `noise` = ln(sigma)/4, (B,); back comes the preconditioned target."""
        angles = noise[:, None] * self.frequencies * (2 * math.pi)
        condition = functional.silu(self.noise(torch.cat((angles.cos(), angles.sin()), -1)) + pooled)
        x = functional.pixel_unshuffle(x, 2)
        first = self.down0(self.stem(torch.cat((x, places_like(x)), 1)), condition)
        x = self.to1(first)
        for block in self.down1:
            x = block(x, condition)
        second = over_places(self.look_down, x, words)
        x = self.down2(self.to2(second), condition)
        for layer in self.middle:
            x = over_places(layer, x, words)
        x = self.from2(twice(self.up2(x, condition)))
        x = self.join1(torch.cat((x, second), 1))
        x = over_places(self.look_up, self.up1[0](x, condition), words)
        x = self.from1(twice(self.up1[1](x, condition)))
        x = self.join0(torch.cat((x, first), 1))
        for block in self.up0:
            x = block(x, condition)
        return functional.pixel_shuffle(self.out(functional.silu(self.norm(x))), 2)

    def denoised(self, x: Tensor, sigma: Tensor, words: Tensor, pooled: Tensor) -> Tensor:
        """The mean of all pictures that `x` could be with noise of `sigma` (B,) added, (B, 3, H, W) in about -1..1."""
        variance = sigma**2 + SIGMA_DATA**2
        skip, out = SIGMA_DATA**2 / variance, sigma * SIGMA_DATA / variance.sqrt()
        found = self(x * each(1 / variance.sqrt()), sigma.log() / 4, words, pooled)
        return each(skip) * x + each(out) * found


class TinyHorde(nn.Module):
    """Both parts, as they are trained and saved."""

    def __init__(self) -> None:
        super().__init__()
        self.text = TextEncoder()
        self.unet = UNet()

    def forward(self, pictures: Tensor, sigma: Tensor, noise: Tensor, tokens: Tensor) -> Tensor:
        """The loss of each picture, (B,): how far the found target is from the true one, in units of its variance."""
        variance = sigma**2 + SIGMA_DATA**2
        noisy = pictures + each(sigma) * noise
        skip, out = SIGMA_DATA**2 / variance, sigma * SIGMA_DATA / variance.sqrt()
        target = (pictures - each(skip) * noisy) / each(out)
        found = self.unet(noisy * each(1 / variance.sqrt()), sigma.log() / 4, *self.text(tokens))
        return ((found - target) ** 2).flatten(1).mean(1)


def each(values: Tensor) -> Tensor:
    """One value for each picture, so that it can be multiplied with pictures."""
    return values[:, None, None, None]


def twice(x: Tensor) -> Tensor:
    """Twice the size each way."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def over_places(layer: nn.Module, x: Tensor, words: Tensor) -> Tensor:
    """Apply a transformer to all places of (B, channels, H, W)."""
    return layer(x.flatten(2).transpose(1, 2), words).transpose(1, 2).reshape(x.shape)


def places_like(x: Tensor) -> Tensor:
    """Across and down, each -1..1, (B, 2, H, W): otherwise the network would not know left from right."""
    height, width = x.shape[2], x.shape[3]
    down = (torch.arange(height, device=x.device).to(x) + 0.5) / height * 2 - 1
    across = (torch.arange(width, device=x.device).to(x) + 0.5) / width * 2 - 1
    grid = torch.stack((across.expand(height, width), down[:, None].expand(height, width)))
    return grid.expand(x.shape[0], -1, -1, -1)
