"""A scaled picture: all that the formats and qualities of one size have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image

from imaging.encoding.encoders import encode_below
from imaging.masters.negatives import Negative
from imaging.names.renditions import Rendition
from imaging.pixels.kinds import Kind
from imaging.rendered import Rendered


@dataclass(frozen=True, slots=True)
class Scaled:
    """A picture at its rendition's size with its kind, and the format where none is asked for.

    `lasting` says that no format or quality of this size would be made in another way;
    `placeholder` and `source` are as in `Rendered`. `negative` is its whole page, if that is worth
    a master. `effort` is added to what is told of the encoding: of what was made of a master.
    """

    image: Image.Image
    kind: Kind
    plain: str
    lasting: bool = True
    placeholder: bytes = b""
    source: tuple[int, int] = (0, 0)
    negative: Negative | None = None
    effort: str = ""

    def encoded(self, rendition: Rendition, below: int = 0) -> Rendered:
        """The picture in the rendition's format and quality, lighter than `below` octets if a
        step down in quality does it.
        """
        form = rendition.format or self.plain
        made = encode_below(self.image, form, rendition.quality, self.kind, below)
        effort = f"{made.effort}-{self.effort}" if self.effort else made.effort
        return replace(made, placeholder=self.placeholder, source=self.source, effort=effort)

    def detached(self) -> Scaled:
        """The same without its page and its source, which an opened picture holds."""
        plain = type(self.image) is Image.Image
        image = self.image if plain else self.image.copy()
        return replace(self, image=image, negative=None)

    @property
    def octets(self) -> int:
        """What its pixels take in memory: a grey one octet each, those with colours four."""
        return self.image.width * self.image.height * (1 if self.image.mode == "L" else 4)
