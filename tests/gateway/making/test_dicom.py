"""DICOM and HEIC through the whole gateway: frames are pages, previews say what they are not."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

FRAMES = (20, 90, 230)


def study(**elements: object) -> bytes:
    """Three frames of one grey each, of a patient whom nobody else knows."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7.2", "1.2.3"
    data.PatientName, data.PatientID = "Roe^Jane", "MRN4711"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Columns, data.Rows, data.NumberOfFrames = 400, 300, len(FRAMES)
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    for name, value in elements.items():
        setattr(data, name, value)
    data.PixelData = b"".join(bytes([level]) * 120_000 for level in FRAMES)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def photo() -> bytes:
    pillow_heif.register_heif_opener()
    out = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(out, "HEIF")
    return out.getvalue()


@pytest.fixture(scope="module")
def hospital(gallery: Any) -> Any:
    """The gallery with files of a hospital in it."""
    gallery.put("Roe/scan.dcm", study())
    gallery.put("Roe/cut.dcm", study()[:2_000])
    gallery.put("Roe/plan.dcm", study(Rows=0))
    gallery.put("Roe/lost.dcm", study().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    gallery.put("Roe/photo.heic", photo())
    gallery.put("Roe/cut.heic", photo()[:-40])
    return gallery


@pytest.mark.parametrize(("page", "level"), list(enumerate(FRAMES, 1)))
def test_a_frame_is_a_page(hospital: Any, page: int, level: int) -> None:
    answer = hospital.get(hospital.link("Roe/scan.dcm", f"p{page}-w320-png"))
    assert answer.status_code == 200
    with Image.open(BytesIO(answer.content)) as image:
        assert image.size == (320, 240)
        assert image.convert("L").getpixel((160, 60)) == level


def test_a_frame_past_the_end_is_not_found(hospital: Any) -> None:
    assert hospital.get(hospital.link("Roe/scan.dcm", "p4-w320-png")).status_code == 404


def test_every_preview_says_that_nobody_may_diagnose_by_it(hospital: Any) -> None:
    url = hospital.link("Roe/scan.dcm", "w160-webp")
    first, again = hospital.get(url), hospital.get(url)
    same = hospital.get(url, {"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, same.status_code) == (200, 200, 304)
    for answer in (first, again, same):
        assert answer.headers["ostiary-preview"] == "non-diagnostic"
    for url in (
        hospital.link("Roe/scan.dcm"),
        hospital.link("picture.jpg", "w160-webp"),
        hospital.link("Roe/photo.heic", "w160-webp"),
    ):
        assert "ostiary-preview" not in hospital.get(url).headers


def test_the_original_is_saved_whole_and_never_shown(hospital: Any) -> None:
    answer = hospital.get(hospital.link("Roe/scan.dcm"))
    assert answer.headers["content-type"] == "application/dicom"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content == study()


def test_nothing_of_the_patient_is_in_a_preview(hospital: Any) -> None:
    for form in ("jpeg", "webp", "avif", "png"):
        answer = hospital.get(hospital.link("Roe/scan.dcm", f"w160-{form}"))
        told = answer.content + repr(answer.headers.raw).encode()
        assert answer.status_code == 200
        assert all(secret not in told for secret in (b"Jane", b"MRN4711"))


def test_an_automatic_format_is_chosen_as_for_pages(hospital: Any) -> None:
    accept = {"Accept": "image/avif,image/webp,*/*;q=0.8"}
    frame = hospital.get(hospital.link("Roe/scan.dcm", "w160"), accept)
    assert frame.headers["content-type"] == "image/webp"
    picture = hospital.get(hospital.link("Roe/photo.heic", "w160"), accept)
    assert picture.headers["content-type"] == "image/avif"


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        ("Roe/cut.dcm", "w160-jpeg", "truncated"),
        ("Roe/plan.dcm", "w160-jpeg", "no-picture"),
        ("Roe/lost.dcm", "p1-w160-jpeg", "transfer-syntax"),
        ("Roe/cut.heic", "w160-jpeg", "damaged"),
    ],
)
def test_what_can_not_be_shown_says_why_and_is_still_delivered(
    hospital: Any, key: str, name: str, reason: str
) -> None:
    for _ in range(2):
        answer = hospital.get(hospital.link(key, name))
        assert (answer.status_code, answer.json()["code"]) == (422, "document.broken")
        assert answer.json()["detail"] == f"Reason: {reason}."
        assert "Roe" not in answer.text
    assert hospital.get(hospital.link(key)).status_code == 200


def test_a_window_needs_a_grant_of_its_own(hospital: Any) -> None:
    name = "p2-w320-win90_10-png"
    assert hospital.get(hospital.link("Roe/scan.dcm", name)).status_code == 403
    answer = hospital.get(hospital.link("Roe/scan.dcm", name, grant=f"x-{name}"))
    with Image.open(BytesIO(answer.content)) as image:
        assert image.convert("L").getpixel((160, 60)) == 142
    assert hospital.get(hospital.link("Roe/scan.dcm", "p2-w320-png")).content != answer.content


@pytest.mark.parametrize("key", ["picture.jpg", "letter.pdf", "Roe/photo.heic"])
def test_only_dicom_has_windows(hospital: Any, key: str) -> None:
    windowed = hospital.link(key, "w160-win90_10-jpeg", grant="x-w160-win90_10-jpeg")
    answer = hospital.get(windowed)
    assert (answer.status_code, answer.json()["detail"]) == (422, "Reason: no-window.")
    plain = hospital.get(hospital.link(key, "w160-jpeg"))
    assert plain.status_code == 200, "a window that is none poisons no document"


def test_links_offer_the_names_that_fit(hospital: Any) -> None:
    [scan] = hospital.issue("Roe/scan.dcm")
    [picture] = hospital.issue("Roe/photo.heic")
    assert {"original", "p1-w640", "p1-thumb"} <= set(scan["renditions"])
    assert {"original", "w640", "thumb"} <= set(picture["renditions"])
    assert 'width="320" height="240"' in picture["picture"]
