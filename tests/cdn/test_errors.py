from __future__ import annotations

from cdn.errors import CdnError, ProviderMisconfigured, PurgeRefused


def test_a_refused_purge_says_when_and_whether_to_try_again() -> None:
    error = PurgeRefused("full", retry_after=2.0)
    assert (str(error), error.retry_after, error.dead, error.hint) == ("full", 2.0, False, "")
    dead = PurgeRefused("no", dead=True, hint="mend it")
    assert (str(dead), dead.detail, dead.retry_after, dead.dead) == (
        "no (mend it)",
        "no",
        None,
        True,
    )


def test_a_misconfigured_provider_says_how_to_mend_it() -> None:
    assert str(ProviderMisconfigured("bad url", hint="use http")) == "bad url (use http)"
    assert str(ProviderMisconfigured("bad url")) == "bad url"


def test_everything_is_a_cdn_error() -> None:
    assert issubclass(PurgeRefused, CdnError)
    assert issubclass(ProviderMisconfigured, CdnError)
