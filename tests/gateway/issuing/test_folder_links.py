"""Folder links: one token for all below a folder, in an address or in a browser's cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import time
from typing import Any

import httpx
import pytest

from gateway.companions.folders import cookie_of
from gateway.documents import DocumentRef
from gateway.state.revocations import document_scope
from signing.folders import FolderRequest
from signing.grants import Grant

APP = "https://app.example.org"
BODY = b"%PDF-1.7\n" + bytes(range(256)) * 4
ACCEPTED = 202


@pytest.fixture
def door(open_door: Callable[..., Any]) -> Any:
    door = open_door(
        clinic={"revocable": ["documents/reports/", "documents/reports/2026/"]},
        viewers={"origins": [APP]},
    )
    for key in ("reports/a.pdf", "reports/2026/b c.pdf", "letters/d.pdf"):
        door.put(key, BODY)
    return door


def ask(door: Any, *folders: str, **terms: object) -> list[dict[str, Any]]:
    wanted = [{"bucket": "documents", "folder": folder} for folder in folders]
    answer = door.post("/v1/folders", {"folders": wanted, **terms})
    assert answer.status_code == 200, answer.text
    found = answer.json()["folders"]
    assert isinstance(found, list)
    return found


def url(given: dict[str, Any], rest: str, rendition: str = "original") -> str:
    template = str(given["template"])
    return template.replace("{rendition}", rendition).replace("{key}", rest)


def plain(given: dict[str, Any], rest: str, rendition: str = "original") -> str:
    return str(given["plain"]).replace("{rendition}", rendition).replace("{key}", rest)


def claimed(door: Any, claim: str, **fields: str) -> httpx.Response:
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site", **fields}
    answer = door.ask("POST", "/v1/folders/claim", json={"claim": claim}, headers=headers)
    assert isinstance(answer, httpx.Response)
    return answer


def kept(answer: httpx.Response) -> str:
    """The Cookie field of a browser that keeps what the answer sets."""
    assert answer.status_code == 204, answer.text
    put = [text for text in answer.headers.get_list("set-cookie") if "Max-Age=0" not in text]
    [cookie] = put
    return cookie.partition(";")[0]


@pytest.fixture
def reports(door: Any) -> dict[str, Any]:
    [given] = ask(door, "reports")
    return given


def test_one_link_opens_all_below(door: Any, reports: dict[str, Any]) -> None:
    for rest in ("a.pdf", "2026/b%20c.pdf"):
        answer = door.get(url(reports, rest))
        assert (answer.status_code, answer.content) == (200, BODY)
    assert door.get(url(reports, "none.pdf")).status_code == 404
    assert reports["folder"] == {"zone": "clinic", "bucket": "documents", "folder": "reports/"}
    assert reports["template"].startswith("http://gateway.test/d/{rendition}/clinic/documents/-/")


def test_it_opens_nothing_beside(door: Any, reports: dict[str, Any]) -> None:
    query = reports["template"].partition("?")[2]
    for path in (
        "/d/original/clinic/documents/-/letters/d.pdf", "/d/original/clinic/documents/-/reports",
        "/d/original/clinic/documents/-/reports/../letters/d.pdf",
        "/d/original/clinic/documents/-/reports/%2E%2E/letters/d.pdf",
        "/d/original/clinic/documents/-/reports%2Fa.pdf",
        "/d/original/clinic/documents/-/reports2/a.pdf",
        "/d/original/other/documents/-/reports/a.pdf",
        "/d/original/clinic/others/-/reports/a.pdf",
    ):  # fmt: skip
        answer = door.get(f"http://gateway.test{path}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (403, "link.refused"), path


def test_the_count_of_segments_is_signed(door: Any, reports: dict[str, Any]) -> None:
    good = url(reports, "2026/b%20c.pdf")
    assert door.get(good).status_code == 200
    for count in ("3", "5", "6", "99", "04"):
        assert door.get(good.replace("t=1f4.", f"t=1f{count}.")).status_code == 403


def test_the_grant_holds_for_every_document(door: Any) -> None:
    [one] = ask(door, "reports", grant="original", disposition="download")
    answer = door.get(url(one, "a.pdf"))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert door.get(url(one, "a.pdf", "w640")).json()["code"] == "rendition.refused"
    [previews] = ask(door, "reports", grant="previews")
    assert door.get(url(previews, "a.pdf")).status_code == 403


def test_shared_caches_keep_an_answer_no_longer_than_the_link_lives(
    door: Any, reports: dict[str, Any]
) -> None:
    fields = door.get(url(reports, "a.pdf")).headers
    assert "no-store" not in fields["cache-control"]
    age = re.search(r"max-age=([0-9]+)", fields["cdn-cache-control"])
    assert age is not None
    assert 0 < int(age[1]) <= reports["expires_at"] - 30 - time() + 5


def test_head_ranges_and_conditions_work(door: Any, reports: dict[str, Any]) -> None:
    link = url(reports, "a.pdf")
    head = door.ask("HEAD", link)
    assert (head.status_code, head.content) == (200, b"")
    part = door.get(link, {"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, BODY[:4])
    assert door.get(link, {"If-None-Match": head.headers["etag"]}).status_code == 304


def test_every_folder_is_answered_in_order(door: Any) -> None:
    answers = ask(door, "reports/", "", "a//b", "letters", "x/../y", "x" * 1100)
    codes = [answer.get("error", {}).get("code", "") for answer in answers]
    refused = "link.unsignable"
    assert codes == ["", refused, refused, "", refused, refused]
    assert answers[0]["folder"]["folder"] == "reports/"
    assert answers[1]["folder"] == {"zone": "", "bucket": "documents", "folder": ""}


def test_a_zone_that_seals_has_no_folder_links(open_door: Callable[..., Any]) -> None:
    door = open_door(clinic={"sealed": True}, signing={"seal_key": "5b" * 64})
    [refused] = ask(door, "reports")
    assert refused["error"]["detail"] == "Reason: sealed."
    assert "seals" in refused["error"]["hint"]


def test_only_operators_of_the_zone_get_folder_links(door: Any) -> None:
    body = {"folders": [{"bucket": "documents", "folder": "reports"}]}
    assert door.post("/v1/folders", body, token="").status_code == 401
    assert door.post("/v1/folders", body, token="another").status_code == 401
    [refused] = door.post(
        "/v1/folders", {"folders": [{"bucket": "others", "folder": "reports"}]}
    ).json()["folders"]
    assert refused["error"]["code"] == "document.not-found"
    for wrong in ({}, {"folders": []}, {**body, "pinned": True}, {**body, "one_time": True}):
        assert door.post("/v1/folders", wrong).status_code == 422


def test_the_ledger_knows_who_was_given_a_folder(door: Any, reports: dict[str, Any]) -> None:
    [row] = door.run(door.parts.ledger.find(reports["link"]))
    assert (row.key, row.bucket, row.grant, row.version) == ("reports/", "documents", "ia", "-")
    assert row.expires_at == reports["expires_at"]


def test_a_cookie_opens_plain_addresses(door: Any, reports: dict[str, Any]) -> None:
    mine = kept(claimed(door, reports["claim"]))
    for rest in ("a.pdf", "2026/b%20c.pdf"):
        address = plain(reports, rest)
        assert "?" not in address
        answer = door.get(address, {"Cookie": mine})
        assert (answer.status_code, answer.content) == (200, BODY)
        assert answer.headers["cache-control"].startswith("private, no-store")
        assert answer.headers["cdn-cache-control"] == "no-store"
        assert door.get(address).json()["code"] == "link.refused"
    gone = door.get(plain(reports, "none.pdf"), {"Cookie": mine})
    assert gone.status_code == 404
    assert gone.headers["cdn-cache-control"] == "no-store"
    part = door.get(plain(reports, "a.pdf"), {"Cookie": mine, "Range": "bytes=0-3"})
    assert part.status_code == 206
    assert "no-store" in part.headers["cache-control"]


def test_the_cookie_is_kept_as_long_as_the_link_lives(door: Any, reports: dict[str, Any]) -> None:
    before, after = claimed(door, reports["claim"]).headers.get_list("set-cookie")
    assert "Max-Age=0;" in before
    assert before.endswith("SameSite=None; Partitioned")
    name, _, attributes = after.partition("=")
    assert re.fullmatch(r"__Secure-ostiary-folder-[A-Za-z0-9_-]{16}", name)
    assert "; Path=/d/; Secure; HttpOnly; SameSite=Lax" in attributes
    age = re.search(r"Max-Age=([0-9]+)", attributes)
    assert age is not None
    assert 800 < int(age[1]) <= 1800
    _, embedded = claimed(
        door, reports["claim"], **{"Sec-Fetch-Site": "cross-site"}
    ).headers.get_list("set-cookie")
    assert embedded.endswith("SameSite=None; Partitioned")


def test_the_cookie_of_another_folder_opens_nothing(door: Any, reports: dict[str, Any]) -> None:
    [letters, deeper] = ask(door, "letters", "reports/2026")
    other, below = (kept(claimed(door, given["claim"])) for given in (letters, deeper))
    mine = kept(claimed(door, reports["claim"]))
    name, _, value = mine.partition("=")
    assert door.get(plain(reports, "a.pdf"), {"Cookie": other}).status_code == 403
    assert door.get(plain(reports, "a.pdf"), {"Cookie": below}).status_code == 403
    assert door.get(plain(reports, "2026/b%20c.pdf"), {"Cookie": below}).status_code == 200
    forged = f"{name}={other.partition('=')[2]}"
    assert door.get(plain(reports, "a.pdf"), {"Cookie": forged}).status_code == 403
    for bent in (f"{name}={value[:-1]}", f"{name}=", name, f"x{mine}", f"{name}=t={value}"):
        assert door.get(plain(reports, "a.pdf"), {"Cookie": bent}).status_code == 403, bent
    link = door.link("reports/a.pdf").partition("?t=")[2]
    assert door.get(plain(reports, "a.pdf"), {"Cookie": f"{name}={link}"}).status_code == 403


def test_a_full_jar_does_not_hide_the_cookie(door: Any, reports: dict[str, Any]) -> None:
    mine = kept(claimed(door, reports["claim"]))
    name = mine.partition("=")[0]
    jar = "; ".join(f"__Secure-ostiary-folder-{number:016}=1f4.x" for number in range(180))
    slipped = "; ".join([f"{name}=1f4.forged"] * 3)
    for cookie in (f"{jar}; {mine}", f"{mine}; {jar}", f"{slipped}; {mine}", f"a=b,{mine}"):
        assert door.get(plain(reports, "a.pdf"), {"Cookie": cookie}).status_code == 200


def test_a_cookie_helps_no_address_with_a_query(door: Any, reports: dict[str, Any]) -> None:
    mine = {"Cookie": kept(claimed(door, reports["claim"]))}
    address = plain(reports, "a.pdf")
    for query in ("?t=", "?t=1f4.x", "?a=b", "?c=iw0"):
        assert door.get(address + query, mine).status_code == 403
    assert door.get(address.replace("/-/", "/" + "A" * 22 + "/"), mine).status_code == 403


@pytest.mark.parametrize(
    "bend",
    [
        lambda claim: claim[:-1],
        lambda claim: claim.replace("/reports/", "/reports/2026/"),
        lambda claim: claim.replace("/reports/", "/letters/"),
        lambda claim: claim.replace("/reports/?", "/?"),
        lambda claim: claim.replace("/d/", "/d/original/"),
        lambda claim: claim.partition("?")[2],
        lambda claim: "",
        lambda claim: "\u75c5",
    ],
)
def test_a_claim_that_is_not_ours_sets_no_cookie(
    door: Any, reports: dict[str, Any], bend: Callable[[str], str]
) -> None:
    answer = claimed(door, bend(reports["claim"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "link.refused")
    assert "set-cookie" not in answer.headers


def test_only_pages_of_configured_applications_claim(door: Any, reports: dict[str, Any]) -> None:
    for origin in ("https://evil.example.org", "null", "", f"{APP}/"):
        answer = claimed(door, reports["claim"], Origin=origin)
        assert answer.json()["code"] == "origin.refused"
        assert "access-control-allow-credentials" not in answer.headers
    answer = claimed(door, reports["claim"])
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-credentials"] == "true"
    before = door.ask("OPTIONS", "/v1/folders/claim", headers={"Origin": APP})
    assert before.status_code == 204
    assert b"DELETE" in before.headers["access-control-allow-methods"].encode()


def test_a_browser_can_forget_a_folder(door: Any, reports: dict[str, Any]) -> None:
    name = kept(claimed(door, reports["claim"])).partition("=")[0]
    answer = door.ask(
        "DELETE", "/v1/folders/claim", json={"claim": reports["claim"]}, headers={"Origin": APP}
    )
    dropped = answer.headers.get_list("set-cookie")
    assert len(dropped) == 2
    assert all(text.startswith(f"{name}=; Max-Age=0; Path=/d/") for text in dropped)


def revoke(door: Any, **what: object) -> None:
    answer = door.post("/admin/revoke", what)
    assert answer.status_code in (200, ACCEPTED), answer.text


def document(key: str) -> dict[str, str]:
    return {"zone": "clinic", "bucket": "documents", "key": key}


def both(door: Any, given: dict[str, Any], cookie: str, rest: str) -> set[tuple[int, str]]:
    answers = door.get(url(given, rest)), door.get(plain(given, rest), {"Cookie": cookie})
    return {
        (answer.status_code, "" if answer.is_success else answer.json()["code"])
        for answer in answers
    }


def test_a_revoked_folder_opens_nothing(door: Any, reports: dict[str, Any]) -> None:
    cookie = kept(claimed(door, reports["claim"]))
    revoke(door, prefix="documents/reports/")
    assert both(door, reports, cookie, "a.pdf") == {(410, "link.revoked")}
    assert claimed(door, reports["claim"]).json()["code"] == "link.revoked"
    [new] = ask(door, "reports")
    assert both(door, new, kept(claimed(door, new["claim"])), "a.pdf") == {(200, "")}


def test_a_document_revoked_alone_is_closed_to_folder_links(
    door: Any, reports: dict[str, Any]
) -> None:
    cookie = kept(claimed(door, reports["claim"]))
    revoke(door, documents=[document("reports/a.pdf")])
    [new] = ask(door, "reports")
    for given in (reports, new):
        assert both(door, given, cookie, "a.pdf") == {(410, "link.revoked")}
        assert both(door, given, cookie, "2026/b%20c.pdf") == {(200, "")}
    assert door.get(door.link("reports/a.pdf")).status_code == 200


def test_a_prefix_revoked_alone_is_closed_to_links_of_the_folder_above(
    door: Any, reports: dict[str, Any]
) -> None:
    cookie = kept(claimed(door, reports["claim"]))
    revoke(door, prefix="documents/reports/2026/")
    assert both(door, reports, cookie, "2026/b%20c.pdf") == {(410, "link.revoked")}
    assert both(door, reports, cookie, "a.pdf") == {(200, "")}
    [deeper] = ask(door, "reports/2026")
    assert door.get(url(deeper, "b%20c.pdf")).status_code == 200


def test_a_folder_is_no_document_to_revoke(door: Any, reports: dict[str, Any]) -> None:
    answer = door.post("/admin/revoke", {"documents": [document("reports/")]})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-scope")
    assert door.get(url(reports, "a.pdf")).status_code == 200


def long_ago(door: Any, key: str, at: float) -> None:
    """Revoke a document at another time than now."""
    scope = document_scope(DocumentRef("clinic", "documents", key))
    door.run(door.parts.purges.revoke([scope], by="me", now=at))


@pytest.mark.parametrize(("ago", "status"), [(86_400, 410), (86_400 + 90, 200)])
def test_it_is_open_again_when_every_older_link_is_dead(door: Any, ago: int, status: int) -> None:
    [before] = ask(door, "reports")
    long_ago(door, "reports/a.pdf", time() - ago)
    assert door.get(url(before, "a.pdf")).status_code == status


def test_a_link_that_lived_longer_once_is_told_by_the_ledger(door: Any) -> None:
    """The zone's longest life was lowered since: the time alone would let the link in."""
    [before] = ask(door, "reports")
    [row] = door.run(door.parts.ledger.find(before["link"]))
    long_ago(door, "reports/a.pdf", row.issued_at - 90_000)
    assert door.get(url(before, "a.pdf")).status_code == 200
    older = type(row)(
        **{name: getattr(row, name) for name in row.__slots__}
        | {"issued_at": row.issued_at - 100_000}
    )
    door.run(door.parts.ledger.record_issue([older]))
    assert door.get(url(before, "a.pdf")).status_code == 410


def test_a_generation_ahead_is_not_taken(door: Any, reports: dict[str, Any]) -> None:
    """A document's own revocations do not make up for the folder's."""
    revoke(door, documents=[document("reports/a.pdf")])
    signer = door.parts.rules.signer
    asked = FolderRequest("clinic", "documents", "reports", Grant.parse("ia"), generation=1)
    folder = signer.issue_folder(asked, reports["expires_at"] - 1800)
    target = folder.template.replace("{rendition}", "original")
    for rest in ("a.pdf", "2026/b%20c.pdf"):
        assert door.get(target.replace("{key}", rest)).status_code in (403, 410)


def test_a_cookie_that_is_over_is_told_so(door: Any, reports: dict[str, Any]) -> None:
    name = kept(claimed(door, reports["claim"])).partition("=")[0]
    asked = FolderRequest("clinic", "documents", "reports", Grant.parse("ia"), expires_in=60)
    old = door.parts.rules.signer.issue_folder(asked, int(time()) - 600)
    answer = door.get(plain(reports, "a.pdf"), {"Cookie": f"{name}={old.token}"})
    assert (answer.status_code, answer.json()["code"]) == (410, "link.expired")
    assert claimed(door, old.claim).json()["code"] == "link.expired"
    both = f"{name}={old.token}; {kept(claimed(door, reports['claim']))}"
    assert door.get(plain(reports, "a.pdf"), {"Cookie": both}).status_code == 200


def test_a_revoked_key_opens_no_folder(door: Any, reports: dict[str, Any]) -> None:
    mine = {"Cookie": kept(claimed(door, reports["claim"]))}
    door.run(door.parts.purges.revoke(["k:k1"], by="me", now=time()))
    for answer in (
        door.get(url(reports, "a.pdf")),
        door.get(plain(reports, "a.pdf"), mine),
        claimed(door, reports["claim"]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "link.refused")


def test_a_region_that_may_not_serve_a_zone_gives_no_folder_links(
    open_door: Callable[..., Any],
) -> None:
    door = open_door(clinic={"home": "eu"}, server={"region": "us"})
    [refused] = ask(door, "reports")
    assert refused["error"]["code"] == "residency.refused"


def test_a_folder_link_for_a_viewer_asks_who_looks(door: Any) -> None:
    [bound] = ask(door, "reports", audience="ada")
    answer = door.get(url(bound, "a.pdf"))
    assert answer.json()["code"] == "audience.refused"
    made = door.post("/v1/viewers", {"viewer": "ada"}).json()["claim"]
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site"}
    claim = door.ask("POST", "/v1/viewers/claim", json={"claim": made}, headers=headers)
    ada = kept(claim)
    answer = door.get(url(bound, "a.pdf"), {"Cookie": ada})
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private, no-store")
    folder = kept(claimed(door, bound["claim"]))
    assert door.get(plain(bound, "a.pdf"), {"Cookie": folder}).status_code == 403
    assert door.get(plain(bound, "a.pdf"), {"Cookie": f"{folder}; {ada}"}).status_code == 200


def test_a_folder_link_from_before_a_revocation_stays_closed_to_its_viewer(door: Any) -> None:
    headers = {"Origin": APP, "Sec-Fetch-Site": "same-site"}
    [before] = ask(door, "reports", audience="ada")
    door.post("/admin/revoke", {"viewers": ["ada"]})
    door.post("/admin/reinstate", {"viewers": ["ada"]})
    [after] = ask(door, "reports", audience="ada")
    made = door.post("/v1/viewers", {"viewer": "ada"}).json()["claim"]
    claim = door.ask("POST", "/v1/viewers/claim", json={"claim": made}, headers=headers)
    cookie = {"Cookie": kept(claim)}
    assert door.get(url(before, "a.pdf"), cookie).json()["code"] == "audience.refused"
    assert door.get(url(after, "a.pdf"), cookie).status_code == 200


def test_the_name_of_a_cookie_stands_for_its_folder() -> None:
    one, other = cookie_of("clinic/documents/-/reports"), cookie_of("clinic/documents/-/report")
    assert one.name != other.name
    assert "reports" not in one.name
