"""Markup: the rendition names of a link, and the HTML that shows them at the right size.

Formats are explicit, so that a shared cache keeps one answer for everybody (delivery.md).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from gateway.documents import Document
from gateway.making.measurements import Measured
from imaging.conversions import LINEAR
from imaging.names.likeness import shows_all
from imaging.names.renditions import Rendition, Renditions
from imaging.pixels.geometry import place
from signing.links import Link

PREFERRED = ("avif", "webp", "jpeg")
PLAIN = 640

Size = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Markup:
    """`names` are the renditions the link opens; `srcset` and `picture` are ready for HTML.

    The latter are empty for a document or a grant that has no ladder. `placeholder` stands for
    what the link shows, and is empty where nothing is known that does.
    """

    names: tuple[str, ...]
    srcset: str = ""
    picture: str = ""
    placeholder: bytes = b""


def markup(
    link: Link, document: Document, renditions: Renditions, measured: Measured, base: str
) -> Markup:
    """What a page needs to show the document behind the link; page one of a document of pages."""
    grant = link.grant
    if grant.covers == "exact":
        return _single(link, renditions, measured, base)
    whole = () if grant.covers == "previews" else ("original",)
    names = _declared(renditions, document.sniffed, grant.covers)
    if not names:
        return Markup(whole, placeholder=measured.placeholder)
    page = "p1-" if names[0].startswith("p1-") else ""
    widths = _widths(renditions.ladder, measured.width)
    srcsets = {
        form: ", ".join(
            f"{base}{link.for_rendition(f'{page}w{width}-{form}')} {width}w" for width in widths
        )
        for form in PREFERRED
    }
    plain = min(widths, key=lambda width: abs(width - PLAIN))
    source = base + link.for_rendition(f"{page}w{plain}-jpeg")
    size = _shown(measured, plain)
    sizes = _sizes(size)
    picture = (
        "<picture>"
        + "".join(_source(form, srcsets[form], sizes) for form in PREFERRED[:-1])
        + f'<img src="{escape(source)}" srcset="{escape(srcsets["jpeg"])}" sizes="{sizes}"'
        + f"{_box(size)}{_hint(measured.placeholder)}{_MANNERS}</picture>"
    )
    return Markup((*whole, *names), srcsets["webp"], picture, measured.placeholder)


def _declared(renditions: Renditions, media_type: str, covers: str) -> tuple[str, ...]:
    """The declared names that a grant reaches."""
    names = renditions.names(media_type) if covers in ("all", "previews") else ()
    whole = covers == "all"
    return tuple(name for name in names if whole or not renditions.carries_original(name))


def _single(link: Link, renditions: Renditions, measured: Measured, base: str) -> Markup:
    """The one name; what is no picture has no HTML.

    Of a picture that hides, cuts off or adds something the document's own placeholder would tell
    too much.
    """
    name = link.grant.name
    product = renditions.find(name)
    if not isinstance(product, Rendition) or renditions.carries_original(name):
        return Markup((name,), placeholder=measured.placeholder if name == LINEAR else b"")
    placeholder = measured.placeholder if shows_all(product) else b""
    source = escape(base + link.for_rendition(name))
    image = f'<img src="{source}"{_placed(product, measured)}{_hint(placeholder)}{_MANNERS}'
    return Markup((name,), "", f"<picture>{image}</picture>", placeholder)


def _widths(ladder: Sequence[int], width: int | None) -> list[int]:
    """The rungs that are no wider than the source, and always the first."""
    return [rung for rung in ladder if width is None or rung <= width] or [ladder[0]]


def _shown(measured: Measured, width: int) -> Size:
    """Width and height in CSS pixels; the height is None where the page's shape is not known."""
    if measured.width and measured.height:
        shown = min(width, measured.width)
        return shown, max(1, round(shown * measured.height / measured.width))
    across, down = measured.sizes[0] if measured.sizes else (0, 0)
    return width, max(1, round(width * down / across)) if across and down else None


def _placed(rendition: Rendition, measured: Measured) -> str:
    """The size of one rendition, where the source's pixels are known; other pages have theirs."""
    if not (measured.width and measured.height) or rendition.page > 1:
        return ""
    placed = place((measured.width, measured.height), rendition)
    return _box((placed.width, placed.height))


# A browser that waits for the image to be near knows how wide it is laid out by then ("auto");
# others take the second half. Without a height "auto" would make the image 150 pixels high.
def _sizes(size: Size) -> str:
    width, height = size
    slot = f"(max-width: {width}px) 100vw, {width}px"
    return f"auto, {slot}" if height else slot


def _box(size: Size) -> str:
    """The image's box: pages of two colours have more pixels than their rung says."""
    width, height = size
    return f' width="{width}"' + (f' height="{height}"' if height else "")


def _hint(placeholder: bytes) -> str:
    return f' data-thumbhash="{b64encode(placeholder).decode()}"' if placeholder else ""


_MANNERS = ' alt="" loading="lazy" decoding="async">'


def _source(form: str, srcset: str, sizes: str) -> str:
    return f'<source type="image/{form}" srcset="{escape(srcset)}" sizes="{sizes}">'
