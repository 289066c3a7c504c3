"""The format is the best one that the client names (RFC 9110 §12.5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.names.negotiate import accepted_formats, choose_format, origin_format, shows

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/*;q=0.8,*/*;q=0.5"
OLD_FIREFOX = "image/webp,*/*"


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        (CHROME, "avif"),
        (SAFARI, "avif"),
        (OLD_FIREFOX, "webp"),
        ("", "jpeg"),
        ("*/*", "jpeg"),
        ("image/*", "jpeg"),
        ("image/*,*/*;q=0.8", "jpeg"),
        ("image/avif", "avif"),
        ("IMAGE/AVIF", "avif"),
        ("image/avif;q=0,image/webp", "webp"),
        ("image/avif;q=0.000, image/webp;q=0, */*", "jpeg"),
        ("image/avif;q=0.5,image/webp;q=0.9", "webp"),
        ("image/jpeg,image/webp;q=0.8", "jpeg"),
        ("image/jpeg;q=0.5,image/webp;q=0.8", "webp"),
        ("image/webp;q=0.8,image/*", "jpeg"),
        ("image/webp ; q=1.000 , text/html", "webp"),
        ("image/avif;v=1;q=0.3,image/webp;q=0.2,*/*;q=0.1", "avif"),
        ("text/html", "jpeg"),
        ("image/jpeg;q=0", "jpeg"),
        ("image/avif;q=2,image/webp", "webp"),
        ("image/avif;q=high", "jpeg"),
        (",,;q=1,", "jpeg"),
        ("image/avif;q=0.1,image/avif;q=0.9,image/webp;q=0.5", "avif"),
    ],
)
def test_the_named_format_of_most_weight_wins(accept: str, format: str) -> None:
    assert choose_format(accept) == format


def test_pages_and_alpha_prefer_webp_to_a_fast_avif() -> None:
    assert choose_format(CHROME, alpha_or_page=True) == "webp"
    assert choose_format("image/avif,*/*", alpha_or_page=True) == "avif"
    assert choose_format("image/avif,image/webp;q=0.5", alpha_or_page=True) == "avif"


@given(st.text(alphabet="imagevfwp/*;,=q.01 ", max_size=80))
def test_no_field_can_break_it_or_get_what_it_does_not_name(accept: str) -> None:
    format = choose_format(accept)
    assert format == "jpeg" or f"image/{format}" in accept.lower()


@pytest.mark.parametrize(
    ("media_type", "format"),
    [
        ("image/jpeg", "jpeg"),
        ("image/png", "png"),
        ("image/webp", "webp"),
        ("image/avif", "avif"),
        ("image/gif", "png"),
        ("image/bmp", "png"),
        ("image/tiff", "png"),
        ("image/jp2", "jpeg"),
        ("application/pdf", "png"),
        ("", "png"),
    ],
)
def test_the_format_of_a_source_stays_where_browsers_show_it(media_type: str, format: str) -> None:
    assert origin_format(media_type) == format


@pytest.mark.parametrize(
    ("accept", "page", "formats"),
    [
        (CHROME, False, ("avif", "webp", "jpeg")),
        (CHROME, True, ("webp", "avif", "jpeg")),
        ("image/avif;q=0.5,image/webp;q=0.9", False, ("webp", "avif")),
        ("", False, ("jpeg",)),
        ("text/html", True, ("jpeg",)),
        ("image/avif;q=0,image/jpeg;q=0", False, ("jpeg",)),
    ],
)
def test_all_formats_that_the_client_takes_are_told(
    accept: str, page: bool, formats: tuple[str, ...]
) -> None:
    assert accepted_formats(accept, alpha_or_page=page) == formats


@pytest.mark.parametrize(
    ("accept", "media_type", "shown"),
    [
        ("", "image/png", True),
        ("*/*", "image/gif", True),
        ("image/*;q=0.1", "image/jpeg", True),
        ("image/webp", "image/jpeg", False),
        ("image/png;q=0,*/*", "image/png", False),
        ("*/*", "image/webp", False),
        ("image/webp,*/*", "image/webp", True),
        ("image/webp,*/*", "image/avif", False),
        (CHROME, "image/avif", True),
        (CHROME, "image/heic", False),
        ("image/tiff", "image/tiff", False),
        ("", "application/pdf", False),
    ],
)
def test_an_original_is_shown_where_every_browser_can_or_this_one_says_so(
    accept: str, media_type: str, shown: bool
) -> None:
    assert shows(accept, media_type) is shown
