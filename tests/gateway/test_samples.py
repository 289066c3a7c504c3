"""The demo's documents are real files of their kinds, and the same ones every time."""

import re
import resource
import unicodedata
from pathlib import Path

import pytest

from gateway.samples import Sample, write_samples
from gateway.samples.papers import discharge_letter, intake_form, report
from gateway.samples.pdf import Line, TextPage, text_pdf
from gateway.samples.photo import hills
from imaging.engine import describe, render
from imaging.names.renditions import Rendition
from imaging.rendered import Description

A4 = (595.28, 841.89)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


def body(folder: Path, sample: Sample) -> bytes:
    return (folder / sample.bucket / sample.key).read_bytes()


def test_each_kind_of_document_is_there(folder: Path) -> None:
    found = [describe(body(folder, sample)) for sample in write_samples(folder)]
    assert found == [
        Description("image/jpeg", 4000, 3000, 1),
        Description("application/pdf", 595, 842, 2, (A4,) * 2),
        Description("application/pdf", 595, 842, 3, (A4,) * 3),
        Description("image/tiff", 1654, 2339, 3, ((1654, 2339),) * 3),
    ]


def test_they_are_small_and_nothing_else_lies_there(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    samples = write_samples(folder)
    assert {str(path.relative_to(folder)) for path in files} == {
        f"{sample.bucket}/{sample.key}" for sample in samples
    }
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    assert len(body(folder, samples[0])) <= 1_500_000
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in files)


def test_their_names_try_what_names_can_hold(folder: Path) -> None:
    samples = write_samples(folder)
    keys = "".join(sample.key for sample in samples)
    assert " " in keys
    assert not keys.isascii()
    assert unicodedata.is_normalized("NFC", keys)
    assert all(sample.title for sample in samples)


def test_every_page_can_be_shown(folder: Path) -> None:
    for sample in write_samples(folder):
        source = body(folder, sample)
        for page in range(1, describe(source).pages + 1):
            rendered = render(source, Rendition(page=page, width=160))
            assert rendered.width == 160
            assert len(rendered.body) > 900, "an empty page"


def test_the_same_bytes_come_out_every_time(folder: Path) -> None:
    makers = (hills, report, discharge_letter, intake_form)
    for sample, make in zip(write_samples(folder), makers, strict=True):
        assert make() == body(folder, sample), sample.title


def test_files_that_are_there_are_left_alone(folder: Path, tmp_path: Path) -> None:
    for sample in write_samples(folder):
        path = tmp_path / sample.bucket / sample.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    samples = write_samples(tmp_path)
    assert {body(tmp_path, sample) for sample in samples} == {b"mine"}


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_samples(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "documents").write_bytes(b"a file where a folder must be")
    with pytest.raises(OSError, match="documents"):
        write_samples(tmp_path)


@pytest.mark.parametrize("make", [report, discharge_letter])
def test_every_entry_of_a_cross_reference_table_points_at_its_object(make) -> None:
    source = make()
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", source)[1])
    assert source[start:].startswith(b"xref\n0 ")
    entries = re.findall(rb"(\d{10}) (\d{5}) ([nf]) \n", source[start:])
    assert entries[0] == (b"0000000000", b"65535", b"f")
    for number, (offset, _, _) in enumerate(entries[1:], 1):
        assert source[int(offset) :].startswith(b"%d 0 obj\n" % number)
    assert b"/Size %d" % len(entries) in source[start:]


def test_brackets_and_umlauts_are_text_in_a_pdf() -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="the extra pdf is not installed")
    document = pdfium.PdfDocument(text_pdf([TextPage([Line(60, 700, r"(a \ b) März")])]))
    page = document[0]
    text = page.get_textpage()
    assert text.get_text_range() == r"(a \ b) März"
    text.close()
    page.close()
    document.close()
