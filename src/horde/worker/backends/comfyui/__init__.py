"""Pictures by a ComfyUI that the owner of the worker runs, without any extension in it."""

from horde.worker.backends.comfyui.backend import ComfyUI as ComfyUI
