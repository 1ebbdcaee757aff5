"""Refusals of pictures that come along with a request, and of what is asked to be done with them.

BadInput 400
├── ImageValidationFailed (horde.errors)
│   ├── SourceImageResolutionExceeded, SourceImageSizeExceeded, SourceImageUrlInvalid, SourceImageUnreadable
│   └── InpaintingMissingMask
├── too many pictures       TooManyExtraSourceImages, MoreThanMinExtraSourceImage
├── too many of something   TooManyLoras, TooManyTIs
└── not for this request    SourceImageRequiredForModel, UnexpectedModelName, InvalidRemix, InvalidTransparencyImg2Img,
                            InvalidTransparencyModel, HiResMismatch, ControlNetUnsupported, ControlNetMismatch,
                            ControlNetInpaintingMismatch, QrCodeMismatch

Clients look for "Image validation failed" in the messages of the first family (contract/clients.md, section 1).
"""

from __future__ import annotations

from horde.errors import BadInput, ImageValidationFailed


class SourceImageResolutionExceeded(ImageValidationFailed):
    """Image validation failed: the picture has too many pixels."""

    default_hint = "send a smaller one; pictures up to 3072x3072 are taken."


class SourceImageSizeExceeded(ImageValidationFailed):
    """Image validation failed: the file is too large."""

    default_hint = "send the picture in base64, or a smaller file."


class SourceImageUrlInvalid(ImageValidationFailed):
    """Image validation failed: the address cannot be used."""

    default_hint = "send the picture in base64."


class SourceImageUnreadable(ImageValidationFailed):
    """Image validation failed: this is not a picture that can be read."""

    default_hint = "webp, png, jpeg, avif, gif, bmp, tiff and ppm are read."


class InpaintingMissingMask(ImageValidationFailed):
    """Image validation failed: inpainting needs to know what to paint over."""

    default_hint = "send a `source_mask`, or a `source_image` that is transparent there."


class TooManyExtraSourceImages(BadInput):
    """At most 5 extra source images are taken."""

    rc = "TooManyExtraSourceImages."


class MoreThanMinExtraSourceImage(BadInput):
    """Only trusted users may send more than one extra source image."""

    rc = "MoreThanMinExtraSourceImage."


class SourceImageRequiredForModel(BadInput):
    """This model makes pictures from pictures, so it needs a source image."""


class UnexpectedModelName(BadInput):
    """This is not the name of a model that makes pictures by itself."""


class InvalidRemix(BadInput):
    """Only Stable Cascade models can remix pictures."""


class InvalidTransparencyImg2Img(BadInput):
    """Transparent images cannot be made from extra source images."""


class ControlNetUnsupported(BadInput):
    """This model cannot be led by a control_type."""


class ControlNetMismatch(BadInput):
    """There is no ControlNet for models of this family."""


class ControlNetInpaintingMismatch(BadInput):
    """A control_type cannot be used for inpainting."""


class TooManyLoras(BadInput):
    """A request can have 5 LoRAs at the most."""


class TooManyTIs(BadInput):
    """A request can have 20 textual inversions at the most."""


class HiResMismatch(BadInput):
    """Models of this family cannot make a picture with hires_fix."""

    default_hint = "leave `hires_fix` out."


class InvalidTransparencyModel(BadInput):
    """Models of this family cannot make transparent images."""

    default_hint = "Stable Diffusion 1 and XL can."


class QrCodeMismatch(BadInput):
    """Models of this family cannot hide a QR code in a picture."""

    rc = "ControlNetMismatch."
    default_hint = "Stable Diffusion 1 and XL can."
