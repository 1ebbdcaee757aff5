"""The back end `tiny`: a small diffusion model of our own, run by the processor (docs/concepts/tiny-horde.md)."""
