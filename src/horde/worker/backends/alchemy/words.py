"""The words that an interrogation chooses from, if the owner has no lists of his own. Short: they make a start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

WordList = Literal["tags", "sites", "artists", "flavors", "mediums", "movements", "techniques"]
"""As the contract names them (api-v2.md, 5.2)."""

_TAGS = """
a person; a man; a woman; a child; a crowd; a face; a cat; a dog; a horse; a bird; a fish; an insect; a dragon; a
robot; a flower; a tree; a forest; a mountain; a beach; the sea; a river; a desert; a garden; the sky; the night sky;
clouds; snow; rain; fire; a city; a street; a house; a castle; a church; a bridge; a room; a kitchen; a car; a train;
a ship; an aeroplane; a spaceship; a bicycle; food; fruit; a drink; a book; a computer; a weapon; armour; a dress; a
suit; a uniform; a hat; a mask; a statue; a logo; a map; a diagram; a page of text; a toy; furniture; jewellery; a
musical instrument
"""
_SITES = """
ArtStation; Behance; DeviantArt; Dribbble; Flickr; Instagram; Pinterest; Pixiv; Reddit; Shutterstock; Tumblr;
Unsplash; Wikimedia Commons
"""
_ARTISTS = """
Albrecht Dürer; Alphonse Mucha; Arnold Böcklin; Artemisia Gentileschi; Berthe Morisot; Camille Pissarro; Caravaggio;
Caspar David Friedrich; Claude Monet; Edgar Degas; Edvard Munch; Egon Schiele; Eugène Delacroix; Francisco Goya; Franz
Marc; Georges Seurat; Giuseppe Arcimboldo; Gustav Klimt; Gustave Doré; Henri Rousseau; Henri de Toulouse-Lautrec;
Hieronymus Bosch; Hilma af Klint; Ivan Aivazovsky; Ivan Shishkin; J. M. W. Turner; Jan van Eyck; Johannes Vermeer;
John Constable; John Singer Sargent; John William Waterhouse; Katsushika Hokusai; Leonardo da Vinci; Mary Cassatt;
Michelangelo; Odilon Redon; Paul Cézanne; Paul Gauguin; Paul Klee; Peter Paul Rubens; Pierre-Auguste Renoir; Pieter
Bruegel; Raphael; Rembrandt; Sandro Botticelli; Titian; Utagawa Hiroshige; Vincent van Gogh; Wassily Kandinsky;
William Blake; William Morris
"""
_FLAVORS = """
bright colours; pastel colours; muted colours; monochrome; high contrast; soft light; golden hour; neon light;
backlight; candlelight; dramatic shadows; fog; reflections; highly detailed; minimalist; symmetrical; close-up; wide
angle; from above; from below; shallow depth of field; motion blur; sharp focus; grainy; glossy; dreamy; gloomy;
cheerful; eerie; cosy; majestic; futuristic; vintage; medieval; post-apocalyptic; whimsical; elegant
"""
_MEDIUMS = """
a photograph; a black and white photograph; an oil painting; a watercolour painting; an acrylic painting; a gouache; a
fresco; a pencil sketch; a charcoal drawing; an ink drawing; a pastel; an etching; a woodcut; a screenprint; a poster;
a collage; a mosaic; stained glass; a tapestry; a sculpture; digital art; a 3D render; pixel art; vector art; a comic;
a cartoon; an anime drawing; a storybook illustration; a screenshot; a still from a film
"""
_MOVEMENTS = """
abstract art; art deco; art nouveau; baroque; Byzantine art; classicism; constructivism; cubism; Dada; expressionism;
fauvism; futurism; Gothic art; impressionism; magic realism; mannerism; minimalism; naïve art; photorealism;
pointillism; pop art; postimpressionism; precisionism; Pre-Raphaelite painting; realism; Renaissance; rococo;
romanticism; suprematism; surrealism; symbolism; ukiyo-e
"""
_TECHNIQUES = """
chiaroscuro; sfumato; impasto; pointillism; cross-hatching; stippling; cel shading; flat shading; line art; long
exposure; macro photography; tilt-shift; bokeh; double exposure; high dynamic range; infrared photography; silhouette;
low poly; ray tracing; isometric projection; paper cutting; embroidery; calligraphy; airbrush; graffiti
"""


def _parted(words: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in words.split(";"))


OURS: Final[Mapping[WordList, tuple[str, ...]]] = {
    "tags": _parted(_TAGS),
    "sites": _parted(_SITES),
    "artists": _parted(_ARTISTS),
    "flavors": _parted(_FLAVORS),
    "mediums": _parted(_MEDIUMS),
    "movements": _parted(_MOVEMENTS),
    "techniques": _parted(_TECHNIQUES),
}
"""Painters are named who died more than seventy years ago."""
