"""Only what every format of one size of one version shows is shared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imaging.limits import Limits
from imaging.marking.marks import Mark
from imaging.names.areas import parse_area
from imaging.names.redactions import Box, Redaction
from imaging.names.renditions import Rendition, parse_spec
from imaging.workers.jobs import picture_of, recalling, rendering

SMALL = Rendition(width=160)


@pytest.mark.parametrize("spec", ["w160-webp", "w160-q50-avif", "w160-q50-jpeg", "w160-png"])
def test_formats_and_qualities_share_a_picture(spec: str) -> None:
    assert picture_of("name", parse_spec(spec)) == picture_of("name", SMALL) == "name/w160"


def test_presets_share_it_with_their_spec() -> None:
    assert picture_of("name", replace(SMALL, label="thumb")) == "name/w160"


def test_everything_else_has_a_picture_of_its_own() -> None:
    specs = (
        "w160", "p1-w160", "p2-w160", "w161", "h160", "w160-h160-cover", "w160-h160-contain",
        "w160-h160-cover-gno", "w160-h160-cover-gsm", "w160-win40_400", "w160-winm40_400", "full",
    )  # fmt: skip
    names = {picture_of(of, parse_spec(spec)) for of in ("one", "other") for spec in specs}
    assert len(names) == 2 * len(specs)


@pytest.mark.parametrize(
    "rendition",
    [
        parse_spec("w160-origin"),
        replace(SMALL, crop=parse_area("0_0_500_500")),
        replace(SMALL, redaction=Redaction("names", 1, (Box(parse_area("0_0_500_500")),))),
        replace(SMALL, mark=Mark("draft", "Draft")),
    ],
    ids=["a format of the source's", "a part", "a redaction", "a mark"],
)
def test_what_is_hidden_cut_or_written_over_is_shared_with_nobody(rendition: Rendition) -> None:
    assert picture_of("name", rendition) == ""


def test_without_a_name_nothing_is_shared() -> None:
    assert picture_of("", SMALL) == ""
    job = rendering(b"source", SMALL, Limits())
    assert job.picture == ""
    assert "picture" not in job.request


def test_a_recalled_job_carries_no_source() -> None:
    job = rendering(b"source", SMALL, Limits(), "name")
    assert job.request["picture"] == "name/w160"
    assert (job.recalled().request, job.recalled().source) == (
        recalling(SMALL, "name").request,
        b"",
    )
