"""What is under a box leaves no trace: sources that differ only there become the same octets."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from zlib import compress

import pytest
from PIL import Image, ImageDraw, ImageStat

from imaging.encoding.improving import Examiner, improved
from imaging.encoding.judging import examine
from imaging.engine import render
from imaging.errors import BrokenSource
from imaging.limits import Limits
from imaging.names.areas import Area
from imaging.names.redactions import Box, Redaction, rows_of
from imaging.names.renditions import Rendition, parse_spec
from imaging.pixels.painting import EXACT, LOSSY, blanked, painted, patches, spread_of
from imaging.workers.background import unexamined
from imaging.workers.protocol import improve_request

# In thousandths; none of its sides falls on a block of any size used here.
HIDDEN = Area(213, 187, 601, 655)
SIZE = (1000, 760)
OTHER_SIZE = (1237, 911)
RUNGS = ("w160", "w320", "w480", "w640", "w960", "w1280", "full")
PARTS = (
    *(f"w160-c{area}" for area in ("100_100_700_700", "300_300_500_500", "601_0_1000_1000")),
    *(f"w120-h160-cover-g{gravity}" for gravity in ("sm", "ea", "fp_600_650")),
    *("w200-h100-cover-c150_100_900_800-gsm", "w90-h200-fill", "w200-h100-contain-c0_0_700_1000"),
)


def hiding(spec: str, *boxes: Box) -> Rendition:
    """The rendition of a name that hides the boxes, or `HIDDEN` on every page."""
    rendition = parse_spec(spec)
    redaction = Redaction("face", 3, boxes or (Box(HIDDEN),))
    values = {name: getattr(rendition, name) for name in Rendition.__slots__}
    return Rendition(**{**values, "redaction": redaction})


def inside(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels that lie in the hidden area whole: none of them shows anything else."""
    left, top, right, bottom = HIDDEN.covering(size)
    return left, top, right, bottom


def secrets(image: Image.Image) -> Iterator[Image.Image]:
    """The picture with one content in the hidden area, and with another of more range."""
    for seed, dark in ((1, 0), (2, 255)):
        other = image.copy()
        box = inside(image.size)
        noise = Image.effect_noise((box[2] - box[0], box[3] - box[1]), 90 * seed).convert("RGB")
        ImageDraw.Draw(noise).text((10, 10), f"secret {seed}", fill=(dark, 255 - dark, 40))
        other.paste(noise.convert(image.mode), box)
        yield other


def alike(files: list[bytes], spec: str, *boxes: Box) -> None:
    """Both are made, differ as sources, and come out as the same octets."""
    assert files[0] != files[1]
    first, second = (render(file, hiding(spec, *boxes)) for file in files)
    assert first == second, spec


def differ(files: list[bytes], spec: str) -> None:
    """Without the redaction the two can be told apart: the test would see a trace."""
    first, second = (render(file, parse_spec(spec)) for file in files)
    assert first.body != second.body, spec


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}],
    ids=["420", "progressive", "444", "422"],
)
@pytest.mark.parametrize("size", [SIZE, OTHER_SIZE], ids=str)
def test_a_jpeg_shows_no_trace_at_any_scale_of_decoding(
    darkroom, size: tuple[int, int], options: dict[str, object]
) -> None:
    picture = darkroom.texture(size, "RGB")
    files = [darkroom.file(one, quality=60, **options) for one in secrets(picture)]
    for spec in (*RUNGS, *PARTS):
        alike(files, f"{spec}-jpeg")
    differ(files, "w160-png")


def test_a_jpeg_whose_last_scans_are_missing_is_smoothed_and_shows_no_trace(darkroom) -> None:
    """Where the last bits of a block are not known, the decoder guesses them by its neighbours."""
    files = []
    for one in secrets(darkroom.texture(SIZE, "RGB")):
        whole = darkroom.file(one, quality=60, progressive=True)
        scans = [at for at in range(len(whole)) if whole.startswith(b"\xff\xda", at)]
        files.append(whole[: scans[3]] + b"\xff\xd9")
    for spec in ("w160-png", "w320-png", "w640-png", "full-png"):
        alike(files, spec)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_on_its_side_hides_what_is_seen_there(darkroom, orientation: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    files = []
    for one in secrets(darkroom.texture(OTHER_SIZE, "RGB")):
        stored = one.transpose(undo[orientation]) if orientation > 1 else one
        exif = darkroom.exif(orientation)
        files.append(darkroom.file(stored, quality=70, exif=exif))
    for spec in ("w160", "w480", "full", *PARTS):
        alike(files, f"{spec}-png")
    shown = darkroom.opened(render(files[0], hiding("w600-png")).body)
    assert darkroom.colour(shown, 0.4, 0.4) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_modes_of_a_jpeg_show_none_either(darkroom, mode: str) -> None:
    files = [darkroom.file(one.convert(mode)) for one in secrets(darkroom.texture(SIZE, "RGB"))]
    for spec in RUNGS:
        alike(files, f"{spec}-webp")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_lossless_source_shows_none_in_any_mode(darkroom, format: str, mode: str) -> None:
    if (format, mode) == ("TIFF", "P"):
        pytest.skip("the palette of a TIFF is that of a PNG")
    files = []
    for one in secrets(darkroom.texture(SIZE, "RGB")):
        if mode == "I;16":
            files.append(darkroom.file(one.convert("L").convert("I").convert("I;16"), format))
        else:
            files.append(darkroom.file(converted(one, mode), format))
    for spec in ("w160-webp", "w640-jpeg", "full-png", *(f"{part}-png" for part in PARTS[::2])):
        alike(files, spec)


def converted(image: Image.Image, mode: str) -> Image.Image:
    """In that mode; with alpha, everything is half transparent and the secret more or less so."""
    if mode == "P":
        greys = Image.new("P", (1, 1))
        greys.putpalette([level for grey in range(0, 256, 17) for level in (grey,) * 3])
        return image.convert("RGB").quantize(palette=greys, dither=Image.Dither.NONE)
    if mode == "1":
        return image.convert("1", dither=Image.Dither.NONE)
    image = image.convert(mode)
    if mode in ("LA", "RGBA"):
        alpha = Image.new("L", image.size, 128)
        box = inside(image.size)
        alpha.paste(image.convert("L").crop(box), box)
        image.putalpha(alpha)
    return image


def test_a_hidden_pixel_does_not_stretch_the_depth_of_others(darkroom) -> None:
    """Deep pixels come down to eight bits by their range; twelve bits are told by the widest."""
    for mode, quiet, loud in (("I;16", 2_000, 65_000), ("F", 0.25, 1e6), ("I", 70_000, 2**30)):
        files = []
        for secret in (quiet, loud):
            image = Image.new(mode, (200, 100), quiet)
            image.paste(Image.new(mode, (20, 100), quiet * 2), (0, 0))
            left, top, right, bottom = HIDDEN.covering(image.size)
            image.paste(Image.new(mode, (right - left, bottom - top), secret), (left, top))
            files.append(darkroom.file(image, "TIFF"))
        alike(files, "full-png")
        alike(files, "w100-png")
        shown = darkroom.opened(render(files[0], hiding("full-png")).body)
        assert shown.convert("L").getpixel((5, 5)) > 240, "its lightest is seen as such"


def test_a_colour_of_a_palette_that_only_a_hidden_part_has_is_not_told(darkroom) -> None:
    page = Image.new("P", (1600, 1200), 1)
    page.putpalette([0, 0, 0, 255, 255, 255, 200, 10, 10])
    page.paste(0, (1200, 100, 1500, 900))
    files = []
    for secret in (0, 2):
        one = page.copy()
        one.paste(secret, HIDDEN.covering(page.size))
        used = one.remap_palette([0, 1] if secret == 0 else [0, 1, 2])
        files.append(darkroom.file(used, "PNG"))
    for spec in ("w1280-webp", "w640-webp", "w1280-png"):
        alike(files, spec)


@pytest.mark.parametrize("compression", ["group4", "tiff_lzw", "tiff_adobe_deflate"])
def test_each_page_of_a_tiff_hides_its_own_boxes(darkroom, compression: str) -> None:
    mode = "1" if compression == "group4" else "RGB"
    white = Image.new(mode, (1700, 1300), "white")
    pairs = [list(secrets(white.convert("RGB"))) for _ in range(2)]
    files = []
    for number in (0, 1):
        first, second = (pair[number].convert(mode) for pair in pairs)
        rest = {"save_all": True, "append_images": [second], "compression": compression}
        files.append(darkroom.file(first, "TIFF", **rest))
    boxes = (Box(HIDDEN, page=2),)
    for spec in ("p2-w1280-webp", "p2-w640-png", "p2-w640-c100_100_800_800-webp"):
        alike(files, spec, *boxes)
    one, other = (render(file, hiding("p1-w640-png", *boxes)) for file in files)
    assert one.body != other.body, "page one has no box"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_tiff_of_jpegs_shows_no_trace(darkroom, orientation: int) -> None:
    undo = {1: None, 3: 3, 6: 2, 8: 4}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    files = []
    for one in secrets(darkroom.texture(OTHER_SIZE, "RGB")):
        stored = one if undo is None else one.transpose(undo)
        more = {"compression": "jpeg", "quality": 60, "exif": exif}
        files.append(darkroom.file(stored, "TIFF", **more))
    for spec in ("w160-png", "w640-png", "full-png"):
        alike(files, spec)


def test_a_tiff_whose_neighbours_share_a_colour_shows_no_trace() -> None:
    files = [four_by_four(64, tint) for tint in (bytes((128, 128)), bytes((255, 0)))]
    cell = Box(Area(700, 700, 720, 720))  # of its block, which is 44 to 48, one pixel alone
    for spec in ("full-png", "w30-png", "w50-c500_500_800_800-png"):
        alike(files, spec, cell)
        differ(files, spec)


def four_by_four(side: int, tint: bytes) -> bytes:
    """A TIFF in YCbCr and Deflate: blocks of four by four pixels have one colour, one `tint`."""
    blocks = side // 4
    units = [bytes([128] * 18)] * (blocks * blocks)
    units[11 * blocks + 11] = bytes([128] * 16) + tint
    octets = compress(b"".join(units))
    entries = [(256, 3, 1, side), (257, 3, 1, side), (258, 3, 3, 146), (259, 3, 1, 8)]
    entries += [(262, 3, 1, 6), (273, 4, 1, 152), (277, 3, 1, 3), (278, 3, 1, side)]
    entries += [(279, 4, 1, len(octets)), (284, 3, 1, 1), (530, 3, 2, 4 | 4 << 16)]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return head + struct.pack("<HHH", 8, 8, 8) + octets


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_every_frame_of_an_animation_hides_it(darkroom, format: str) -> None:
    options = {"lossless": True} if format == "WEBP" else {}
    base = [darkroom.texture((300, 240), "RGB").rotate(angle) for angle in (0, 30, 60)]
    if format == "GIF":
        palette = base[0].quantize(32)
        base = [
            one.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB") for one in base
        ]
    moving = []
    for number in (0, 1):
        frames = [list(secrets(frame))[number] for frame in base]
        if format == "GIF":
            frames = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
        more = {"save_all": True, "append_images": frames[1:], "duration": 80}
        moving.append(darkroom.file(frames[0], format, **more, **options))
    for spec in ("w150-webp", "full-webp", "w100-h100-cover-gsm-webp", "w150-png"):
        alike(moving, spec)
    shown = Image.open(BytesIO(render(moving[0], hiding("w150-webp")).body))
    assert getattr(shown, "n_frames", 1) == 3
    for index in range(3):
        shown.seek(index)
        assert max(darkroom.colour(shown, 0.4, 0.4)) < 12


def pdf_of(darkroom, secret: bytes) -> bytes:
    """A page with lines all over it, and something else inside the hidden area."""
    width, height = 600.0, 800.0
    left, right = HIDDEN.left * width / 1000 + 1, HIDDEN.right * width / 1000 - 1
    low, high = height * (1 - HIDDEN.bottom / 1000) + 1, height * (1 - HIDDEN.top / 1000) - 1
    lines = b"".join(b"%d 0 m %d 800 l S " % (x, 600 - x) for x in range(0, 600, 23))
    clip = b"q %f %f %f %f re W n %s Q" % (left, low, right - left, high - low, secret)
    return darkroom.page(lines + clip, (width, height))


def test_a_drawn_page_shows_no_trace(darkroom) -> None:
    scrawl = b"4 w 0 0 1 RG " + b"".join(
        b"0 %d m 600 %d l S " % (y, 800 - y) for y in range(0, 800, 9)
    )
    blot = b"1 0 0 rg 0 0 600 800 re f"
    files = [pdf_of(darkroom, scrawl), pdf_of(darkroom, blot)]
    for spec in (*RUNGS, *PARTS, "w1280-c200_180_620_680", "w640-c590_640_610_660"):
        alike(files, f"{spec}-jpeg")
    alike(files, "p1-w640-webp", Box(HIDDEN, page=1, white=True))
    differ(files, "w320-png")


def inset(darkroom, picture: Image.Image, format: str, before: bytes = b"") -> bytes:
    """A page with that picture all over it, as one object of it; the last to be drawn."""
    kind, coding = {
        "JPEG": (b"/DCTDecode", darkroom.file(picture, quality=60)),
        "short": (b"/DCT", darkroom.file(picture, quality=60)),
        "plain": (b"/FlateDecode", compress(picture.convert("RGB").tobytes())),
    }[format]
    drawn = image_object(kind, picture.size, coding)
    return darkroom.page(before + b"q 600 0 0 800 0 0 cm /X0 Do Q", (600, 800), drawn)


def image_object(kind: bytes, size: tuple[int, int], coding: bytes) -> bytes:
    shape = b"/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8" % size
    one = b"<</Type/XObject/Subtype/Image%s/Filter%s/Length %d>>stream\n%s\nendstream"
    return one % (shape, kind, len(coding), coding)


def test_pictures_of_annotations_show_none_either(darkroom) -> None:
    """Nor is an annotation lost: what it shows outside of the box is still there."""
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X0 5 0 R>>>>"
    drawn = b"q 600 0 0 800 0 0 cm /X0 Do Q"
    form += b"/Length %d>>stream\n%s\nendstream" % (len(drawn), drawn)
    stamp = b"<</Type/Annot/Subtype/Stamp/Rect[0 0 600 800]/F 4/AP<</N 6 0 R>>>>"
    files = []
    for one in secrets(darkroom.texture((150, 200), "RGB")):
        photo = image_object(b"/DCTDecode", one.size, darkroom.file(one, quality=60))
        plain = darkroom.page(b"", (600, 800), photo, form)
        files.append(plain.replace(b"/Contents", b"/Annots[%s]/Contents" % stamp))
    for spec in ("w640-png", "w640-c590_600_640_700-png"):
        alike(files, spec)
        differ(files, spec)
    shown = darkroom.opened(render(files[0], hiding("w150-png")).body).convert("L")
    assert ImageStat.Stat(shown.crop((0, 160, 150, 200))).stddev[0] > 1


def test_pictures_are_looked_for_behind_all_else(darkroom) -> None:
    dots = b"0 0 1 1 re f " * 10_001
    pictures = secrets(darkroom.texture((150, 200), "RGB"))
    alike([inset(darkroom, one, "JPEG", dots) for one in pictures], "w640-png")


@pytest.mark.parametrize("size", [(150, 200), (750, 1000)], ids=str)
@pytest.mark.parametrize("format", ["JPEG", "short", "plain"])
def test_a_scanned_page_shows_none_of_its_pictures_blocks(
    darkroom, format: str, size: tuple[int, int]
) -> None:
    """At any zoom: smoothing a picture that is drawn large spreads its pixels far."""
    files = [inset(darkroom, one, format) for one in secrets(darkroom.texture(size, "RGB"))]
    for spec in ("w160", "w640", "w1280", "w640-c150_100_700_700", "w640-c590_600_640_700"):
        alike(files, f"{spec}-png")
    differ(files, "w640-png")


def test_a_picture_under_a_box_is_not_told_from_none(darkroom) -> None:
    """A photograph of many pixels, or nothing: how the page is drawn must not tell."""
    width, height = 600.0, 800.0
    left, low = HIDDEN.left * width / 1000 + 3, height * (1 - HIDDEN.bottom / 1000) + 3
    place = b"q 200 0 0 300 %f %f cm /X0 Do Q" % (left, low)
    photo = b"<</Type/XObject/Subtype/Image/Width 1500/Height 1500/ColorSpace/DeviceGray"
    octets = compress(bytes(range(250)) * 9_000)
    photo += b"/BitsPerComponent 8/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    lines = b"".join(b"%d 0 m %d 800 l S " % (x, 600 - x) for x in range(0, 600, 23))
    files = [
        darkroom.page(lines + what, (width, height), photo % (len(octets), octets))
        for what in (place, b"")
    ]
    for spec in ("w160", "w640", "w2560", "w320-c100_100_800_800"):
        alike(files, f"{spec}-png")


@pytest.mark.parametrize("examiner", [unexamined, examine], ids=["by weight", "by quality"])
def test_what_is_made_better_later_is_made_of_paint_too(darkroom, examiner: Examiner) -> None:
    files = [darkroom.file(one, quality=60) for one in secrets(darkroom.texture(SIZE, "RGB"))]
    for form in ("webp", "avif"):
        wanted, finish = hiding(f"w640-{form}"), partial(improved, examiner=examiner)
        first, second = (render(file, wanted, finish=finish) for file in files)
        assert first == second
        assert max(darkroom.colour(darkroom.opened(first.body), 0.4, 0.4)) < 8


def test_a_request_to_make_it_better_says_what_to_hide() -> None:
    wanted = hiding("w640-webp")
    assert improve_request(wanted, Limits())["boxes"] == rows_of(wanted.redaction.boxes)


def test_a_white_box_is_white_and_the_later_one_on_top(darkroom) -> None:
    source = darkroom.file(darkroom.quarters(), "PNG")
    white = Box(Area(0, 0, 500, 500), white=True)
    black = Box(Area(250, 250, 750, 750))
    shown = darkroom.opened(render(source, hiding("full-png", white, black)).body)
    colours = [darkroom.colour(shown, at, at) for at in (0.1, 0.4, 0.6)]
    assert colours == [(255, 255, 255), (0, 0, 0), (0, 0, 0)]
    assert darkroom.colour(shown, 0.9, 0.1)[1] > 150


def test_a_lossless_source_is_covered_to_the_pixel(darkroom) -> None:
    image = darkroom.texture((1000, 1000), "RGB")
    source = darkroom.file(image, "PNG")
    shown = darkroom.opened(render(source, hiding("full-png", Box(Area(100, 200, 300, 401)))).body)
    wanted = image.copy()
    wanted.paste((0, 0, 0), (100, 200, 300, 401))
    assert shown.convert("RGB").tobytes() == wanted.tobytes()


def test_a_page_of_two_colours_keeps_all_its_pixels(darkroom) -> None:
    image = Image.radial_gradient("L").resize((1800, 2400)).point(lambda v: v * 8 % 256)
    source = darkroom.file(image.convert("1", dither=Image.Dither.NONE), "TIFF")
    rendered = render(source, hiding("w1280-webp"))
    assert (rendered.fingerprint, rendered.width) == ("webp-q0-lossless", 1800)


def test_what_is_hidden_must_be_known(darkroom) -> None:
    source = darkroom.file(darkroom.quarters(), "PNG")
    for spec in ("w640-rface_3", "w640-rface_3-webp"):
        with pytest.raises(BrokenSource, match="no-redaction"):
            render(source, parse_spec(spec))


def test_a_page_that_is_hidden_whole_is_paint(darkroom) -> None:
    source = darkroom.file(Image.new("I;16", (300, 200), 900), "TIFF")
    shown = darkroom.opened(render(source, hiding("w100-png", Box(Area()))).body)
    assert shown.convert("L").getextrema() == (0, 0)


@pytest.mark.parametrize(
    ("format", "options", "spread"),
    [("PNG", {}, EXACT), ("GIF", {}, EXACT), ("BMP", {}, EXACT), ("TIFF", {}, EXACT),
     ("TIFF", {"compression": "jpeg"}, LOSSY), ("WEBP", {}, LOSSY), ("AVIF", {}, LOSSY),
     ("JPEG2000", {}, LOSSY), ("JPEG", {"subsampling": 0}, (8, 8, 0)),
     ("JPEG", {"subsampling": 1}, (16, 8, 0)), ("JPEG", {}, (16, 16, 0)),
     ("JPEG", {"progressive": True}, (16, 16, 32))],
)  # fmt: skip
def test_a_codec_says_how_far_it_spreads_a_pixel(
    darkroom, format: str, options: dict[str, object], spread: tuple[int, int, int]
) -> None:
    source = darkroom.file(darkroom.quarters((64, 64)), format, **options)
    assert spread_of(Image.open(BytesIO(source))) == spread


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F", "L"])
def test_blanking_takes_the_value_of_a_pixel_that_is_seen(mode: str) -> None:
    seen = 200 if mode == "L" else 1_000
    plane = Image.new(mode, (40, 30), seen)
    plane.paste(Image.new(mode, (20, 30), 99), (0, 0))
    [patch] = patches([Box(Area(0, 0, 500, 1000))], plane.size, EXACT)
    blanked(plane, [patch])
    assert {plane.getpixel(at) for at in ((0, 0), (19, 29), (20, 0), (39, 29))} == {seen}


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"])
@pytest.mark.parametrize("white", [False, True])
def test_paint_is_opaque_and_of_its_colour_in_every_mode(mode: str, white: bool) -> None:
    image = Image.new(mode, (8, 8))
    [patch] = patches([Box(Area(), white=white)], image.size, EXACT)
    if mode == "LAB":
        assert painted(image, [patch]).getpixel((4, 4)) == (255 if white else 0, 128, 128)
        return
    level = 255 if white else 0
    assert painted(image, [patch]).convert("RGBA").getpixel((4, 4)) == (level, level, level, 255)
