"""Real files, made here: pictures by Pillow, PDFs by hand."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageCms, ImageDraw

GPS_TEXT = b"N 48 8 14"


class Darkroom:
    """Makes sources, and opens what was made of them."""

    def quarters(self, size: tuple[int, int] = (800, 600), mode: str = "RGB") -> Image.Image:
        """Red and green above, blue and yellow below: every turn of it looks different."""
        image = Image.new("RGB", size)
        draw = ImageDraw.Draw(image)
        width, height = size
        for index, colour in enumerate(("#d02020", "#20b040", "#2040d0", "#e0d020")):
            left, top = index % 2 * width // 2, index // 2 * height // 2
            draw.rectangle((left, top, left + width // 2, top + height // 2), fill=colour)
        return image.convert(mode)

    def texture(self, size: tuple[int, int], mode: str = "RGB") -> Image.Image:
        """Fine rings: what shifts by half a pixel is seen."""
        return Image.radial_gradient("L").resize(size).point(lambda v: v * 37 % 256).convert(mode)

    def file(self, image: Image.Image, format: str = "JPEG", **options) -> bytes:
        out = BytesIO()
        image.save(out, format, **options)
        return out.getvalue()

    def exif(self, orientation: int = 1) -> Image.Exif:
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010F] = "Secret Camera"
        exif.get_ifd(0x8825)[29] = GPS_TEXT.decode()
        return exif

    def tiff(self, pages: int, mode: str = "1", **options) -> bytes:
        first, *rest = [self.quarters((400 + 10 * n, 300), mode) for n in range(pages)]
        return self.file(first, "TIFF", save_all=True, append_images=rest, **options)

    def many_scans(self, scans: int) -> bytes:
        """A progressive JPEG whose last scan comes again and again."""
        plain = self.file(self.quarters((64, 64)), progressive=True)
        last = plain.rindex(b"\xff\xda")
        scan = plain[last:-2]
        return plain[:last] + scan * (scans - plain[:last].count(b"\xff\xda")) + plain[-2:]

    def pdf(self, *boxes: tuple[float, float], extra: bytes = b"", trailer: bytes = b"") -> bytes:
        """A page for each box, with its upper left quarter red."""
        kids = b" ".join(b"%d 0 R" % (3 + 2 * n) for n in range(len(boxes)))
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(boxes)),
        ]
        for number, (width, height) in enumerate(boxes):
            text = b"1 0 0 rg 0 %f %f %f re f" % (height / 2, width / 2, height / 2)
            objects += [
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]/Contents %d 0 R>>"
                % (width, height, 4 + 2 * number),
                b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
            ]
        return self._assembled([*objects, extra] if extra else objects, trailer)

    def page(self, content: bytes, size: tuple[float, float], *more: bytes) -> bytes:
        """A PDF of one page with that content; `more` are objects from 5 on, all in /X0, /X1, …"""
        named = b"".join(b"/X%d %d 0 R" % (n, 5 + n) for n in range(len(more)))
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]/Contents 4 0 R"
            b"/Resources<</XObject<<%s>>>>>>" % (*size, named),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        ]
        return self._assembled([*objects, *more], b"")

    def locked_pdf(self) -> bytes:
        """A PDF whose password nobody knows."""
        noise = b"<" + b"5a" * 32 + b">"
        lock = b"<</Filter/Standard/V 1/R 2/O %s/U %s/P -4>>" % (noise, noise)
        return self.pdf((200, 100), extra=lock, trailer=b"/Encrypt 5 0 R/ID[<00><00>]")

    def _assembled(self, objects: list[bytes], trailer: bytes) -> bytes:
        out, offsets = b"%PDF-1.4\n", []
        for number, body in enumerate(objects, 1):
            offsets.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        size = len(objects) + 1
        end = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF"
        xref = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
        return out + xref + end % (size, trailer, len(out))

    def profile(self) -> bytes:
        """An RGB profile that swaps nothing but is no sRGB: gamma and primaries of its own."""
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    def opened(self, body: bytes) -> Image.Image:
        image = Image.open(BytesIO(body))
        image.load()
        return image

    def colour(self, image: Image.Image, across: float, down: float) -> tuple[int, ...]:
        """The RGB colour at a relative place."""
        place = int(across * image.width), int(down * image.height)
        return image.convert("RGB").getpixel(place)


@pytest.fixture(scope="session")
def darkroom() -> Darkroom:
    return Darkroom()
