"""`[renditions.marks.NAME]`: what is drawn over renditions whose names end in `-mNAME`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gateway.settings.table import Share, Table, Unfit
from imaging.marking.logos import LARGEST, check_logo
from imaging.marking.marks import LEAST, LONGEST_TEXT, NAME, Mark, Place, check_text

_NAME = re.compile(NAME)
Shown = Annotated[Share, Field(ge=LEAST, le=1)]


def _named(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise Unfit("is no name of a mark", "a letter and up to 15 more of a-z and 0-9")
    return value


def _text(value: str) -> str:
    try:
        check_text(value)
    except ValueError as error:
        hint = "letters of English, digits and signs; anything else can be an image"
        raise Unfit(str(error).removeprefix("a mark's text "), hint) from None
    return value


MarkName = Annotated[str, AfterValidator(_named)]


class MarkSettings(Table):
    """One mark. `text` stands before `image`: one of them is needed, never both."""

    text: Annotated[str, AfterValidator(_text)] = Field(
        default="",
        description=f"A line of at most {LONGEST_TEXT} characters. `{{date}}` in it is the day of "
        "the request (UTC), `{viewer}` whoever looks, which needs links bound to a viewer.",
    )
    image: str = Field(
        default="",
        validate_default=True,
        description=f"The path of a PNG or WebP with alpha, at most {LARGEST >> 10} KiB and "
        "2,000 pixels to a side; read once at the start.",
    )
    opacity: Shown = Field(
        default=0.25, description="How strong it is: 1 hides what lies below it."
    )
    place: Place = Field(
        default="tiled",
        description="tiled repeats it all over the picture, so that it can not be cut off; centre "
        "and corner (the upper right one) put it there once.",
    )
    size: Shown = Field(default=0.35, description="The share of the picture's width it takes up.")
    _octets: bytes = PrivateAttr(default=b"")

    @field_validator("image")
    @classmethod
    def _beside_no_text(cls, image: str, info: ValidationInfo) -> str:
        text = info.data.get("text")
        if text and image:
            raise Unfit("and text are both given", "a mark is one of them")
        if text == "" and not image:
            raise Unfit("or text is needed", 'such as text = "Confidential"')
        return image

    @model_validator(mode="after")
    def _read_the_image(self) -> Self:
        """Once, for as long as these settings are used."""
        if self.image:
            self._octets = _read(self.image)
        return self

    def mark(self, name: str) -> Mark:
        """The value that renditions work with."""
        return Mark(name, self.text, self._octets, self.opacity, self.place, self.size)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            octets = file.read(LARGEST + 1)
    except (OSError, ValueError):
        raise Unfit(
            "has an image that can not be read", "the path of a file that this process may read"
        ) from None
    try:
        check_logo(octets)
    except ValueError as error:
        raise Unfit(f"has an image that {error}", "a PNG or WebP with alpha") from None
    return octets
