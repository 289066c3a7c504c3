"""`[viewers]`: origins as browsers send them, and sessions that end."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.settings.viewers import ViewerSettings


def test_without_settings_no_page_claims_and_a_session_is_a_working_day() -> None:
    assert ViewerSettings() == ViewerSettings(origins=(), session=8 * 3600)


@pytest.mark.parametrize(
    "origin", ["https://app.example.org", "http://localhost:3000", "https://[::1]:8443"]
)
def test_origins_are_scheme_and_host(origin: str) -> None:
    assert ViewerSettings(origins=(origin,)).origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        *("", "*", "null", "app.example.org", "https://app.example.org/", "https://*.example.org"),
        *("https://App.example.org", "ftp://app.example.org", "https://user@app.example.org"),
        *("https://app.example.org?x", "https://app.example.org, https://b", "https://b\u00e4r.de"),
        *("https://app.example.org:443", "http://app.example.org:80"),
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        ViewerSettings(origins=(origin,))


@pytest.mark.parametrize("session", [0, 59, 2_592_001, "3600"])
def test_a_session_is_a_minute_to_thirty_days(session: object) -> None:
    with pytest.raises(ValidationError):
        ViewerSettings.model_validate({"session": session})
