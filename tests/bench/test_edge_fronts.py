"""Fronts without verifying: the rendered configurations, less what judges links."""

from __future__ import annotations

import pytest

from bench.edge.fronts import cdn, replaced
from bench.edge.verifying import blind_nginx, blind_varnish
from bench.processes import NotStarted
from gateway.edges import Backend, EdgeFacts, rendering

FACTS = EdgeFacts("clinic", {"k1": "5a" * 32}, {"w320": ("avif", "webp", "jpeg")}, 86_400)
BACKEND = Backend("127.0.0.1", 8080)


def rendered(kind: str) -> str:
    return rendering(kind)(FACTS, BACKEND)


def test_a_blind_varnish_never_judges_a_link() -> None:
    text = blind_varnish(rendered("varnish"))
    before, _, after = text.partition("    if (false) {\n")
    kept, _, rest = after.partition("    }\n    unset req.http.Cookie;")
    assert "call ostiary_verify;" in kept
    assert "call ostiary_share;" in kept
    assert rest
    assert "call ostiary_verify;" not in before + rest


def test_a_blind_nginx_has_no_script_and_keys_by_the_url() -> None:
    text = blind_nginx(rendered("nginx"))
    assert "ostiary.verify" not in text
    assert "proxy_cache_key $request_uri;" in text
    assert "location /d/ {" in text
    assert "$ostiary_key" not in text
    assert "$ostiary_target" not in text
    assert "$ostiary_browser" not in text


@pytest.mark.parametrize("blind", [blind_varnish, blind_nginx])
def test_a_configuration_that_changed_is_not_measured(blind: object) -> None:
    assert callable(blind)
    with pytest.raises(NotStarted):
        blind("vcl 4.1;")


def test_what_is_not_there_can_not_be_replaced() -> None:
    assert replaced("a b", {"a": "c"}) == "c b"
    with pytest.raises(NotStarted, match="no longer says 'x'"):
        replaced("a b", {"x": "c"})


def test_two_fronts_of_a_kind_are_two_tables() -> None:
    assert cdn("varnish", 1)[0] == "[cdn.varnish]"
    assert cdn("varnish", 1, "other")[:2] == ["[cdn.other]", 'provider = "varnish"']
