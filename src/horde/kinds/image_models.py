"""What the models that a request for images names cannot do, as far as their names tell their family.

Source: contract/lifecycle.md, section 2, row 18. Whoever names no model takes any, and is not refused for it.
"""

from __future__ import annotations

from typing import get_args

from msgspec import UNSET

from horde.kinds.base import Draft
from horde.kinds.image_params import ImageParams, PostProcessor
from horde.kinds.image_refusals import HiResMismatch, InvalidTransparencyModel, QrCodeMismatch, UnexpectedModelName
from horde.kinds.models import LARGE, Baseline, baseline_of

WITHOUT_HIRES_FIX = LARGE
WITH_TRANSPARENCY: frozenset[Baseline] = frozenset({"stable diffusion 1", "stable_diffusion_xl"})
WITH_QR_CODE = WITH_TRANSPARENCY
"""The contract does not name them; these are the families that there are such ControlNets for."""
POST_PROCESSORS = frozenset(get_args(PostProcessor))


def check_hires_fix(draft: Draft[ImageParams]) -> None:
    """Raises HiResMismatch."""
    for model in draft.models if draft.params.hires_fix else ():
        if (baseline := baseline_of(model)) in WITHOUT_HIRES_FIX:
            raise HiResMismatch(f"The model {model!r} is of the family {baseline}, which makes nothing with hires_fix.")


def check_families(draft: Draft[ImageParams]) -> None:
    """Raises InvalidTransparencyModel, QrCodeMismatch."""
    params = draft.params
    families = [(model, baseline_of(model)) for model in draft.models]
    for model, baseline in families if params.transparent else ():
        if baseline not in WITH_TRANSPARENCY:
            raise InvalidTransparencyModel(
                f"The model {model!r} is of the family {baseline}, which makes no transparent images."
            )
    for model, baseline in families if params.workflow is not UNSET else ():
        if baseline not in WITH_QR_CODE:
            raise QrCodeMismatch(f"The model {model!r} is of the family {baseline}, which makes no QR codes.")


def refuse_post_processors(draft: Draft[ImageParams]) -> None:
    """Raises UnexpectedModelName for what improves pictures and makes none."""
    for model in draft.models:
        if model in POST_PROCESSORS:
            raise UnexpectedModelName(
                f"{model!r} improves finished pictures, and makes none.", hint="name it in `params.post_processing`."
            )
