"""A scaled picture: all that the formats and qualities of one size have in common."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from imaging.encoders import encode
from imaging.kinds import Kind
from imaging.rendered import Rendered
from imaging.renditions import Rendition


@dataclass(frozen=True, slots=True)
class Scaled:
    """A picture at its rendition's size with its kind, and the format where none is asked for.

    `lasting` says that no format or quality of this size would be made in another way.
    """

    image: Image.Image
    kind: Kind
    plain: str
    lasting: bool = True

    def encoded(self, rendition: Rendition) -> Rendered:
        """The picture in the rendition's format and quality."""
        return encode(self.image, rendition.format or self.plain, rendition.quality, self.kind)

    @property
    def octets(self) -> int:
        """What its pixels take in memory: a grey one octet each, those with colours four."""
        return self.image.width * self.image.height * (1 if self.image.mode == "L" else 4)
