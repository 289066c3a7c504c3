"""Makes renditions: one pure function from bytes to bytes, to be run in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PIL import Image
from PIL.ImageFile import ImageFile

from imaging.conversions import Conversion, Converted
from imaging.dicom.drawing import describe_dicom, draw_frame
from imaging.encoding.encoders import encode
from imaging.encoding.glances import PREDICTED, WIDTH, Glance
from imaging.encoding.samples import predicted
from imaging.errors import BrokenSource, MarkBroken
from imaging.limits import Limits
from imaging.marking.notices import NOT_DIAGNOSTIC, noticed
from imaging.marking.stamps import marked
from imaging.masters.negatives import WORTH, Negative
from imaging.masters.prints import plain
from imaging.media import DICOM, PICTURES
from imaging.names.negotiate import origin_format
from imaging.names.redactions import UNREDACTED
from imaging.names.renditions import LADDER, ORIGIN, Rendition
from imaging.names.windows import AS_STORED
from imaging.pdf.firstpage import first_page
from imaging.pdf.linear import HEAD, linearise, page_end
from imaging.pdf.pages import describe_pdf, draw_page
from imaging.pdf.text import page_text
from imaging.pixels.animations import animate, can_move, moves, moving
from imaging.pixels.geometry import full_scale
from imaging.pixels.kinds import Kind, kind_of
from imaging.pixels.pictures import scale_picture, upright_size
from imaging.pixels.placeholders import placeholder
from imaging.pixels.scaled import Scaled
from imaging.rendered import ENGINE_VERSION, SIZES, Description, Rendered
from imaging.sources import PDF, admit, count_pages, guarded, open_picture

__all__ = ["ENGINE_VERSION", "convert", "describe", "glance", "render"]

_DEFAULT = Limits()
_SCANNED = frozenset({"1", "L", "I;16", "I;16B", "I"})
# What is decoded whole, however small its picture is to be.
_SLOW = frozenset({"HEIF", "TIFF"})
_SEE_THROUGH = frozenset({"LA", "RGBA"})
# From this width on a page of two colours comes with all its pixels, if an octet holds so many.
_LARGE, _SPARSE = 1280, 16


def render(
    source: bytes | memoryview,
    rendition: Rendition,
    limits: Limits = _DEFAULT,
    finish: Callable[[Scaled, Rendition, int], Rendered] = Scaled.encoded,
) -> Rendered:
    """The rendition of the source; an automatic format becomes WebP for pages, else JPEG.

    With alpha it becomes WebP too. A page of two colours may be wider than its rung says. A
    picture that is all scaled is handed to `finish`, to be encoded as `Scaled.encoded` does.

    Raises BrokenSource, SourceTooLarge, PageMissing or MarkBroken, and nothing else.
    """
    with guarded():
        if not rendition.redaction.usable:
            raise BrokenSource("no-redaction")
        if rendition.marked and not rendition.mark.drawable:
            raise MarkBroken("undrawn")
        media_type = admit(source, limits)
        if rendition.format == ORIGIN:
            rendition = rendition.with_format(origin_format(media_type))
        if rendition.window != AS_STORED and media_type != DICOM:
            raise BrokenSource("no-window")
        seen = _seen(source, media_type, rendition, limits)
        if isinstance(seen, Rendered):
            return seen
        # A source's octets tell of what is hidden in it.
        return finish(seen, rendition, 0 if rendition.redacts else len(source))


def _seen(
    source: bytes | memoryview, media_type: str, rendition: Rendition, limits: Limits
) -> Scaled | Rendered:
    """The picture to be encoded, or what is finished at once: animations, pages of two colours."""
    if media_type == PDF:
        page, negative = draw_page(source, rendition, limits)
        kind = kind_of(page, document=True)
        hint, [shown] = placeholder(page, rendition), marked([page], rendition.mark)
        return Scaled(shown, kind, "webp", placeholder=hint, negative=negative)
    if media_type == DICOM:
        frame = draw_frame(source, rendition, limits)
        size = frame.size
        # What is hidden has been painted over, in the values themselves.
        shown = scale_picture(frame, replace(rendition, redaction=UNREDACTED), document=True)
        hint = placeholder(shown, rendition)
        [shown] = marked([shown], rendition.mark)
        # Sixteen greys would hide what the window shows, and a mark must not hide the notice.
        shown = noticed(shown, NOT_DIAGNOSTIC)
        whole = _worth_keeping(frame, rendition)
        return Scaled(shown, Kind.SCAN, "webp", placeholder=hint, source=size, negative=whole)
    image = open_picture(source, media_type, rendition.page, limits)
    if animation := moving(image, source, rendition):
        return animate(animation, rendition)
    return _picture(image, rendition, paged=media_type == "image/tiff" or rendition.page > 0)


def _picture(image: ImageFile, rendition: Rendition, *, paged: bool) -> Scaled | Rendered:
    bilevel, size = _two_colours(image, rendition), upright_size(image)
    document = paged or bilevel or image.mode in _SCANNED
    if bilevel and (sharp := _sharp(image, rendition)):
        return sharp
    lasting = not (bilevel and _large(rendition)) and not can_move(image)
    picture = scale_picture(image, rendition, document=document)
    pure = bilevel and not rendition.marked and picture.getcolors(2)
    kind = Kind.BILEVEL if pure else kind_of(picture, document=document)
    usual = "webp" if paged or picture.mode in _SEE_THROUGH else "jpeg"
    hint, [shown] = placeholder(picture, rendition), marked([picture], rendition.mark)
    whole = _worth_keeping(image, rendition) if image.format in _SLOW and not bilevel else None
    return Scaled(shown, kind, usual, lasting, hint, size, whole)


def _worth_keeping(image: Image.Image, rendition: Rendition) -> Negative | None:
    """The page for a master, if it is large and shown as it is."""
    large = image.width * image.height >= WORTH
    return Negative(image, upright_size(image)) if large and plain(rendition) else None


def _two_colours(image: ImageFile, rendition: Rendition) -> bool:
    palette = image.palette
    # A palette may list a colour that only a hidden part has.
    told = image.mode == "P" and not rendition.redacts
    few = palette is not None and len(palette.palette) <= 2 * len(palette.mode)
    return image.mode == "1" or (told and few)


def _large(rendition: Rendition) -> bool:
    return rendition.width in LADDER[LADDER.index(_LARGE) :] and not rendition.height


def _sharp(image: ImageFile, rendition: Rendition) -> Rendered | None:
    """All the pixels of a page of two colours, for a large rung of the ladder; None for the rest.

    They take fewer octets than a grey picture of that width, and are sharper. A halftone is no
    such page: its dots are noise to an encoder, and better averaged.
    """
    left, top, right, bottom = rendition.crop.nearest(upright_size(image))
    size = right - left, bottom - top
    if not _large(rendition) or rendition.quality or rendition.format not in ("", "webp"):
        return None
    if full_scale(size) < 1 or rendition.marked:  # a mark has greys
        return None
    whole = scale_picture(image, replace(rendition, width=0, label=""), document=True)
    rendered = encode(whole, "webp", 0, Kind.BILEVEL)
    if len(rendered.body) * _SPARSE > size[0] * size[1]:
        return None
    return replace(rendered, placeholder=placeholder(whole, rendition), source=upright_size(image))


def convert(source: bytes, conversion: Conversion, limits: Limits = _DEFAULT) -> Converted:
    """What is made of a document and is no picture. Raises as `render` does.

    A source that is no PDF has no conversion: the reason is "no-text" or "unsupported".
    """
    with guarded():
        if admit(source, limits) != PDF:
            raise BrokenSource(conversion.refusal)
        if conversion.page:
            return page_text(source, conversion.page, limits)
        return linearise(source, limits)


def describe(source: bytes | memoryview, limits: Limits = _DEFAULT) -> Description:
    """Media type, upright size and pages, read from the header: no pixel is decoded."""
    with guarded():
        media_type = admit(source, limits)
        if media_type == PDF:
            return describe_pdf(source, limits)
        if media_type == DICOM:
            return describe_dicom(source, limits)
        image = open_picture(source, media_type, 0, limits)
        width, height = upright_size(image)
        pages = count_pages(image, media_type, limits)
        sizes = _page_sizes(image, pages) if media_type == "image/tiff" else ()
        return Description(media_type, width, height, pages, sizes)


def glance(source: bytes, limits: Limits = _DEFAULT) -> Glance:
    """What page one shows, and about what it weighs. Raises as `render` does."""
    with guarded():
        media_type = admit(source, limits)
        wanted, weights = Rendition(width=WIDTH), dict[str, int]()
        drawn = _seen(source, media_type, wanted, limits)
        sharp = isinstance(drawn, Rendered)
        if isinstance(drawn, Rendered):  # all pixels of two colours, which WebP alone has
            weights["webp"] = len(drawn.body)
            drawn = _seen(source, media_type, wanted.with_format("jpeg"), limits)
        if isinstance(drawn, Rendered):
            raise BrokenSource("unsupported")
        weights |= predicted(drawn, [form for form in PREDICTED if form not in weights])
        kind = Kind.BILEVEL if sharp else drawn.kind
        clear = drawn.image.mode in _SEE_THROUGH
        seen = Glance(media_type, kind.value, weights, clear=clear)
        return _glanced(seen, source, limits)


def _glanced(seen: Glance, source: bytes, limits: Limits) -> Glance:
    """With what a PDF's objects tell, or a picture's frames."""
    if seen.media_type == PDF:
        page = first_page(source, limits)
        head = (linearise(source, limits).body or source)[:HEAD]
        return replace(seen, first=page_end(head), **page._asdict())
    if seen.media_type not in PICTURES:
        return seen
    return replace(seen, moves=moves(open_picture(source, seen.media_type, 0, limits), source))


def _page_sizes(image: ImageFile, pages: int) -> tuple[tuple[float, float], ...]:
    sizes: list[tuple[float, float]] = []
    for index in range(min(pages, SIZES)):
        image.seek(index)
        sizes.append(upright_size(image))
    return tuple(sizes)
