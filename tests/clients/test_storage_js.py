"""storage-js, unchanged: every call of it at the stand-in, and the same through the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.comparing import FORESEEN, differences, settled, unforeseen

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def plain(node: Any, direct: Any) -> Any:
    return settled(node.told("storage_calls.mjs", direct.parties), direct.storage)


@pytest.fixture(scope="module")
def gated(node: Any, through: Any) -> Any:
    return settled(node.told("storage_calls.mjs", through.parties), through.storage)


def test_no_call_breaks_the_client(plain: Any) -> None:
    assert {name: one["thrown"] for name, one in plain.items() if "thrown" in one} == {}


def test_what_a_signed_url_opens_is_what_a_download_gives(plain: Any) -> None:
    assert plain["createSignedUrl of an awkward name, opened"]["status"] == 200
    opened = plain["createSignedUrl of an awkward name, opened"]["digest"]
    assert opened == plain["download"]["data"]["digest"]
    assert opened == plain["createSignedUrls 1, opened"]["digest"]


def test_the_client_gives_an_app_the_same_through_the_gateway(plain: Any, gated: Any) -> None:
    assert unforeseen(plain, gated) == {}


def test_every_difference_that_is_foreseen_is_there(plain: Any, gated: Any) -> None:
    found = [(at, there) for at, _, there in differences(plain, gated)]
    assert [
        foreseen.why
        for foreseen in FORESEEN
        if not any(foreseen.covers(at, there) for at, there in found)
    ] == []


@pytest.mark.parametrize(
    ("call", "disposition"),
    [
        ("createSignedUrl download", 'attachment; filename="report.pdf"'),
        ("createSignedUrl download as", 'attachment; filename="my report.pdf"'),
        (
            "createSignedUrl download as ü",
            "attachment; filename=\"fur dich.pdf\"; filename*=UTF-8''f%C3%BCr%20dich.pdf",
        ),
    ],
)
def test_a_file_is_saved_under_the_name_that_was_asked_for(
    gated: Any, call: str, disposition: str
) -> None:
    assert gated[f"{call}, opened"]["disposition"] == disposition


def test_signed_urls_of_the_gateway_open_what_is_there(gated: Any) -> None:
    opened = {name: one for name, one in gated.items() if name.endswith(", opened")}
    assert {one["status"] for one in opened.values()} == {200}
    assert (
        opened["createSignedUrl of an awkward name, opened"]["digest"]
        == (gated["download"]["data"]["digest"])
    )
