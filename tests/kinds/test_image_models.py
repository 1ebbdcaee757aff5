"""What the models that a request names cannot do, by code (contract/lifecycle.md, section 2, row 18)."""

from typing import Any

import msgspec
import pytest

from horde.errors import BadInput
from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams
from horde.kinds.image_models import POST_PROCESSORS
from horde.kinds.image_refusals import HiResMismatch, InvalidTransparencyModel, QrCodeMismatch, UnexpectedModelName

CASCADE, SDXL, SD2 = "Stable Cascade 1.0", "AlbedoBase XL (SDXL)", "Stable Diffusion 2 Depth"
LARGE = ("Flux.1-Schnell fp8 (Compact)", "Qwen-Image", "Z-Image-Turbo")
QR = {"workflow": "qr_code", "extra_texts": [{"text": "https://example.org", "reference": "qr_code"}]}


def draft(models: tuple[str, ...], **fields: Any) -> Draft[ImageParams]:
    params = msgspec.convert(fields, ImageParams)
    return Draft(kind="image", prompt="a red fox", params=params, models=models, source_processing="img2img")


@pytest.mark.parametrize(
    ("fields", "models", "error"),
    [
        *[({"hires_fix": True}, ("one", name), HiResMismatch) for name in LARGE],
        *[({"transparent": True}, ("one", name), InvalidTransparencyModel) for name in (CASCADE, SD2, *LARGE)],
        *[(QR, ("one", name), QrCodeMismatch) for name in (CASCADE, SD2, *LARGE)],
        *[({}, ("one", name), UnexpectedModelName) for name in sorted(POST_PROCESSORS)],
        # The first failure of the contract's list wins.
        ({"hires_fix": True, "transparent": True}, LARGE, HiResMismatch),
        ({"transparent": True, **QR}, LARGE, InvalidTransparencyModel),
        (QR, ("GFPGAN", *LARGE), QrCodeMismatch),
    ],
)
def test_model_that_cannot_do_it_is_refused_by_its_own_code(
    fields: dict[str, Any], models: tuple[str, ...], error: type[BadInput]
) -> None:
    with pytest.raises(error) as refused:
        KIND.check(draft(models, **fields))

    assert any(name in refused.value.message for name in models)


@pytest.mark.parametrize("models", [(), ("stable_diffusion",), (SDXL, "any name")])
@pytest.mark.parametrize("fields", [{"hires_fix": True}, {"transparent": True}, QR, {"post_processing": ["GFPGAN"]}])
def test_model_that_can_do_it_is_taken(fields: dict[str, Any], models: tuple[str, ...]) -> None:
    KIND.check(draft(models, **fields))


def test_large_models_are_taken_without_it() -> None:
    KIND.check(draft((*LARGE, CASCADE, SD2)))


def test_code_of_the_wire_is_the_contracts() -> None:
    assert QrCodeMismatch.rc == "ControlNetMismatch."
