"""docs/links.md is enough: a signer written from it alone, and its worked examples."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.addresses import version22
from signing.folders import FolderRequest
from signing.grants import Grant
from signing.keys import Key, KeyRing
from signing.links import LinkRequest, SignedZone, Signer

PAGE = (Path(__file__).parents[2] / "docs" / "links.md").read_text()
EXAMPLES = [
    dict(re.findall(r"^(.+?) += (.+)$", block, re.M))
    for block in re.findall(r"^```text\n(.*?)^```", PAGE, re.M | re.S)
]
READABLE, SEALED, STORAGE, BOUND, FOLDER = EXAMPLES[:5]
NOW = int(READABLE["now"])
SECRET = bytes.fromhex(READABLE["secret k2"])
SEAL_KEY = bytes.fromhex(SEALED["seal_key"])
ZONE = SignedZone("clinic", int(READABLE["window"]), int(READABLE["longest_life"]))


# --- a signer from the page, and nothing else -----------------------------------------------
LITERAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"


def spelt(text: str) -> str:
    octets = text.encode("utf-8")
    return "".join(chr(octet) if octet in LITERAL else f"%{octet:02X}" for octet in octets)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def expiry(now: int, asked: int | None, window: int, longest_life: int, path: str) -> int:
    life = min(2 * window if asked is None else asked, longest_life)
    steps = [q for q in (15, 60, 300, 900, 3600, 21600, 86400) if q <= window and q <= life / 2]
    step = max(steps, default=1)
    digest = hashlib.sha256(path.encode()).digest()
    phase = int.from_bytes(digest[:4], "big") % step
    return (now + life - phase) // step * step + phase


def sign(zone: str, bucket: str, key: str, grant: str, asked: int | None) -> str:
    path = "/".join(spelt(segment) for segment in key.split("/"))
    scope = f"{zone}/{spelt(bucket)}/-/{path}"
    expires_at = expiry(NOW, asked, ZONE.window, ZONE.longest_life, f"/d/{scope}")
    body = f"1.k2.{expires_at}.0.-.-.{grant}"
    edge_key = hmac.new(SECRET, f"ostiary:read:{zone}".encode(), hashlib.sha256).hexdigest()
    signed = f"/d/{scope}?t={body}"
    mac = hmac.new(edge_key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"/d/original/{scope}?t={body}.{base64url(mac)[:32]}"


def sign_storage(bucket: str, key: str, grant: str, asked: int | None) -> str:
    path = f"/storage/v1/clinic/{bucket}/{key}"
    expires_at = expiry(NOW, asked, ZONE.window, ZONE.longest_life, path)
    body = f"1.k2.{expires_at}.0.-.-.{grant}"
    edge_key = hmac.new(SECRET, b"ostiary:read:clinic", hashlib.sha256).hexdigest()
    mac = hmac.new(edge_key.encode(), f"{path}?token={body}".encode(), hashlib.sha256).digest()
    route = "render/image/sign" if "x-" in grant else "object/sign"
    return f"/{route}/{bucket}/{key}?token={body}.{base64url(mac)[:32]}"


# --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway() -> Signer:
    ring = KeyRing([Key("k2", SECRET)], "k2", SEAL_KEY)
    return Signer(ring, [ZONE, SignedZone(SEALED["zone"], sealed=True)])


letters = st.characters(codec="utf-8", min_codepoint=32, exclude_characters="/\\\x7f")
words = st.text(letters, max_size=20).filter(lambda word: word not in ("", ".", ".."))


@given(
    bucket=words.filter(lambda word: not word.startswith("~")),
    key=st.lists(words, min_size=1, max_size=4).map("/".join),
    grant=st.sampled_from(["ia", "do", "ia"]),
    asked=st.none() | st.integers(1, 10**6),
)
def test_a_signer_from_the_page_and_the_gateway_make_the_same_links(
    gateway: Signer, bucket: str, key: str, grant: str, asked: int | None
) -> None:
    target = sign("clinic", bucket, key, grant, asked)
    request = LinkRequest("clinic", bucket, key, Grant.parse(grant), expires_in=asked)
    link = gateway.issue(request, NOW)
    assert target == link.target
    raw_path, _, query = target.encode().partition(b"?")
    assert gateway.verify(raw_path, query, NOW) == link


@given(
    bucket=words.filter(lambda word: not word.startswith("~")),
    key=st.lists(words, min_size=1, max_size=4).map("/".join),
    grant=st.sampled_from(["io", "do", "ix-w640"]),
    asked=st.none() | st.integers(1, 10**6),
)
def test_a_signer_from_the_page_and_the_gateway_make_the_same_storage_links(
    gateway: Signer, bucket: str, key: str, grant: str, asked: int | None
) -> None:
    request = LinkRequest("clinic", bucket, key, Grant.parse(grant), expires_in=asked)
    assert sign_storage(bucket, key, grant, asked) == gateway.issue_storage(request, NOW).target


def test_the_worked_example_is_what_the_gateway_issues(gateway: Signer) -> None:
    grant = Grant("inline", "all")
    link = gateway.issue(LinkRequest("clinic", "documents", "reports/a b é.pdf", grant), NOW)
    assert link.target == READABLE["target"]
    assert link.scope == READABLE["scope"]
    assert link.body == READABLE["body"]
    assert link.signature == READABLE["signature"]
    assert str(link.expires_at) == READABLE["exp"]
    assert READABLE["target"] in PAGE.split("```")[1]


def test_every_step_of_the_worked_example_is_right(gateway: Signer) -> None:
    scope, step = READABLE["scope"], int(READABLE["Q"])
    digest = hashlib.sha256(f"/d/{scope}".encode()).hexdigest()
    edge_key = KeyRing([Key("k2", SECRET)], "k2").edge_key("k2", "read", "clinic")
    mac = hmac.new(edge_key, READABLE["signed text"].encode(), hashlib.sha256).digest()
    expected = {
        "secret k2": SECRET.hex(),
        "now": str(NOW),
        "window": str(ZONE.window),
        "longest_life": str(ZONE.longest_life),
        "scope": scope,
        "L": str(2 * ZONE.window),
        "Q": str(step),
        "phase hash": digest,
        "first 32": str(int(digest[:8], 16)),
        "phase": str(int(digest[:8], 16) % step),
        "exp": str(expiry(NOW, None, ZONE.window, ZONE.longest_life, f"/d/{scope}")),
        "body": f"1.k2.{READABLE['exp']}.0.-.-.ia",
        "edge key": edge_key.decode(),
        "signed text": f"/d/{scope}?t={READABLE['body']}",
        "mac": mac.hex(),
        "mac base64": base64url(mac),
        "signature": base64url(mac)[:32],
        "target": f"/d/original/{scope}?t={READABLE['body']}.{READABLE['signature']}",
    }
    assert expected == READABLE


def test_every_step_of_the_sealed_example_is_right(gateway: Signer, plain: ModuleType) -> None:
    bucket, key = "documents", "reports/a b é.pdf"
    salt = f"ostiary:seal:{SEALED['zone']}".encode()
    derived = hmac.new(SEAL_KEY, salt, hashlib.sha512).digest()
    plaintext = f"{bucket}\0{key}".encode()
    box = plain.aes_siv(derived, plaintext)
    expected = {
        "seal_key": SEAL_KEY.hex(),
        "zone": "vault",
        "seal key": derived.hex(),
        "plaintext": plaintext.hex(),
        "V || C": box.hex(),
        "sealed": base64url(box),
        "scope": f"vault/~/-/{base64url(box)}.pdf",
    }
    assert expected == SEALED
    request = LinkRequest("vault", bucket, key, Grant("inline", "all"), extension="pdf")
    assert gateway.issue(request, NOW).scope == SEALED["scope"]


def test_every_step_of_the_storage_example_is_right(gateway: Signer) -> None:
    address, scope, asked = "documents/reports/a b é.pdf", STORAGE["scope"], int(STORAGE["asked"])
    path, step = f"/storage/v1/{scope}", int(STORAGE["Q"])
    digest, edge_key = hashlib.sha256(path.encode()).hexdigest(), READABLE["edge key"].encode()
    exp = expiry(NOW, asked, ZONE.window, ZONE.longest_life, path)
    mac = hmac.new(edge_key, STORAGE["signed text"].encode(), hashlib.sha256).digest()
    token = f"{STORAGE['body']}.{STORAGE['signature']}"
    expected = {
        "now": str(NOW),
        "asked": "600",
        "scope": f"clinic/{address}",
        "L": str(asked),
        "Q": str(step),
        "phase hash": digest,
        "first 32": str(int(digest[:8], 16)),
        "phase": str(int(digest[:8], 16) % step),
        "exp": str(exp),
        "body": f"1.k2.{exp}.0.-.-.io",
        "signed text": f"{path}?token={STORAGE['body']}",
        "mac": mac.hex(),
        "signature": base64url(mac)[:32],
        "signedURL": f"/object/sign/{address}?token={token}",
        "request": f"/storage/v1/object/sign/{quote(address)}?token={token}",
    }
    assert expected == STORAGE
    bucket, _, key = address.partition("/")
    request = LinkRequest("clinic", bucket, key, Grant.parse("io"), expires_in=asked)
    assert gateway.issue_storage(request, NOW).target == STORAGE["signedURL"]


def test_every_step_of_the_bound_example_is_right(gateway: Signer) -> None:
    key = hmac.new(SECRET, f"ostiary:aud:{BOUND['zone']}".encode(), hashlib.sha256).hexdigest()
    mac = hmac.new(key.encode(), BOUND["id"].encode(), hashlib.sha256).digest()
    expected = {"zone": "clinic", "kid": "k2", "id": BOUND["id"], "audience key": key}
    assert expected | {"mac": mac.hex(), "audience": base64url(mac)[:16]} == BOUND
    assert gateway.audience_of("clinic", "k2", BOUND["id"]) == BOUND["audience"]


def test_every_step_of_the_folder_example_is_right(gateway: Signer) -> None:
    place, step = FOLDER["place"], int(FOLDER["Q"])
    digest = hashlib.sha256(f"/d/{place}/".encode()).hexdigest()
    exp = expiry(NOW, None, ZONE.window, ZONE.longest_life, f"/d/{place}/")
    key = hmac.new(SECRET, b"ostiary:folder:clinic", hashlib.sha256).hexdigest()
    mac = hmac.new(key.encode(), FOLDER["signed text"].encode(), hashlib.sha256).digest()
    document = f"{place}/{spelt('a b é.pdf')}"
    expected = {
        "now": str(NOW),
        "place": "clinic/documents/-/reports",
        "L": str(2 * ZONE.window),
        "Q": str(step),
        "phase hash": digest,
        "first 32": str(int(digest[:8], 16)),
        "phase": str(int(digest[:8], 16) % step),
        "exp": str(exp),
        "body": f"1f4.k2.{exp}.0.-.-.ia",
        "folder key": key,
        "signed text": f"/d/{place}/?t={FOLDER['body']}",
        "mac": mac.hex(),
        "signature": base64url(mac)[:32],
        "target": f"/d/original/{document}?t={FOLDER['body']}.{FOLDER['signature']}",
    }
    assert expected == FOLDER
    request = FolderRequest("clinic", "documents", "reports", Grant("inline", "all"))
    folder = gateway.issue_folder(request, NOW)
    target = folder.template.replace("{rendition}", "original")
    assert target.replace("{key}", spelt("a b é.pdf")) == FOLDER["target"]


def test_every_step_of_a_ticket_is_as_the_page_says(gateway: Signer) -> None:
    request = LinkRequest(
        "clinic", "documents", "a.pdf", Grant.parse("io"), one_time="Zm9vYmFyYmF6cXV4"
    )
    link = gateway.issue(request, NOW)
    key = hmac.new(SECRET, b"ostiary:claim:clinic", hashlib.sha256).hexdigest()
    signed = f"{link.signature}.{NOW + 60}"
    mac = hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()
    assert gateway.ticket(link, NOW) == f"{NOW + 60}.{base64url(mac)[:32]}"


def test_the_version_of_the_page_is_right() -> None:
    found = re.search(r"the identity `(\"\w+\")`.*?version is\s+`([\w-]{22})`", PAGE, re.S)
    assert found is not None
    assert version22(found[1]) == found[2]


def test_every_part_named_in_the_vectors_is_explained() -> None:
    for member in (
        "now",
        "keys",
        "seal_key",
        "zones",
        "buckets",
        "declared",
        "carry_original",
        "known",
        "viewer",
    ):
        assert f"`{member}`" in PAGE or f"`cases[].{member}`" in PAGE
