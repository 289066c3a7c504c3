"""Who may do what, beyond the record: policies, keys, what is wrong with a request."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from tests.contract.asking import REPORT, SIGN, ask, sign
from tests.contract.server import USER_A, ContractServer, Question


@pytest.fixture
def server() -> ContractServer:
    server = ContractServer()
    server.put("documents", REPORT, b"%PDF-1.4 report")
    return server


def test_a_policy_sees_operation_claims_and_fields(server: ContractServer) -> None:
    seen: list[Question] = []

    def policy(question: Question) -> bool:
        seen.append(question)
        return question.claims.get("clinic") == "north" and "x-ward" in question.fields

    server.policy = policy
    north = server.token(USER_A, {"clinic": "north"})
    assert sign(server, north, fields={"X-Ward": "3"}).status_code == 200
    assert sign(server, north).json()["code"] == "NoSuchKey"
    assert sign(server, server.user_a, fields={"X-Ward": "3"}).json()["code"] == "NoSuchKey"
    many = {"expiresIn": 60, "paths": [REPORT]}
    ask(server, "POST", "/storage/v1/object/sign/documents", north, json=many)
    ask(server, "GET", f"/storage/v1/object/authenticated/documents/{REPORT}", north)
    ask(server, "GET", f"/storage/v1/render/image/authenticated/documents/{REPORT}", north)
    assert [question.operation for question in seen][2:] == [
        "storage.object.sign",
        "storage.object.sign_many",
        "storage.object.get_authenticated",
        "storage.render.image_authenticated",
    ]
    assert (seen[0].action, seen[0].role, seen[0].subject) == ("select", "authenticated", USER_A)
    assert (seen[0].path, seen[0].bucket, seen[0].key) == (
        SIGN.removeprefix("/storage/v1"),
        "documents",
        REPORT,
    )


def test_the_service_role_passes_every_policy(server: ContractServer) -> None:
    server.policy = lambda _: False
    assert sign(server, server.service).status_code == 200
    assert sign(server, server.user_a).status_code == 400


def test_both_users_read_what_is_shared(server: ContractServer) -> None:
    server.put("documents", "shared/plan.pdf", b"plan")
    for token in (server.user_a, server.user_b):
        answer = ask(server, "GET", "/storage/v1/object/documents/shared/plan.pdf", token)
        assert answer.content == b"plan"
    refused = ask(server, "GET", "/storage/v1/object/documents/shared/plan.pdf", server.anon)
    assert refused.json()["code"] == "NoSuchKey"


@pytest.mark.parametrize(
    "path",
    ["/object/%73ign/documents/", "/%6fbject/sig%6E/d%6Fcuments/", "/object/sign/documents%2F"],
)
def test_the_router_decodes_before_it_chooses_but_what_divides_a_path(
    server: ContractServer, path: str
) -> None:
    answer = ask(server, "POST", f"/storage/v1{path}{REPORT}", server.user_a, json={"expiresIn": 9})
    divided = "%2F" in path
    assert ("token=" in answer.text) is not divided, answer.text


def test_a_name_is_decoded_once(server: ContractServer) -> None:
    server.put("documents", "shared/a & b?.txt", b"odd")
    once = quote("a & b?.txt", safe="")
    for name, found in ((once, True), (quote(once), False)):
        path = f"/storage/v1/object/authenticated/documents/shared/{name}"
        assert (ask(server, "GET", path, server.user_a).content == b"odd") is found


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_token_by_a_published_key_is_taken_until_the_key_is_withdrawn(algorithm: str) -> None:
    server = ContractServer(algorithm=algorithm)
    server.put("documents", REPORT, b"%PDF-")
    token = server.token(USER_A, kid=server.kid)
    found = ask(server, "GET", "/auth/v1/.well-known/jwks.json").json()["keys"]
    assert [(key["kid"], key["alg"]) for key in found] == [(server.kid, algorithm)]
    assert jwt.decode(token, jwt.PyJWK(found[0]), audience="authenticated")["sub"] == USER_A
    assert sign(server, token).status_code == 200
    server.keys.withdraw(server.kid)
    assert sign(server, token).json()["code"] == "AccessDenied"


def test_a_key_is_used_for_its_own_algorithm_only() -> None:
    server = ContractServer(algorithm="RS256")
    claims = {"sub": USER_A, "role": "authenticated"}
    head = {"alg": "none", "kid": server.kid}
    coded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (head, claims)
    ]
    assert sign(server, ".".join([*coded, ""])).json()["code"] == "AccessDenied"
    hmac_of_kid = jwt.encode(claims, server.keys.secret, "HS384", headers={"kid": server.kid})
    assert sign(server, hmac_of_kid).json()["code"] == "AccessDenied"


def test_keys_that_are_no_jwts_become_roles_at_the_front_door(server: ContractServer) -> None:
    bucket = "/storage/v1/bucket"
    secret = ask(server, "GET", bucket, fields={"apikey": "sb_secret_contract"})
    assert [row["name"] for row in secret.json()] == ["pub", "documents"]
    assert ask(server, "GET", bucket, fields={"apikey": "sb_publishable_contract"}).json() == []
    both = {"apikey": "sb_publishable_contract", "authorization": f"Bearer {server.user_a}"}
    assert sign(server, "", fields=both).status_code == 200
    assert ask(server, "GET", bucket, fields={"apikey": "sb_secret_other"}).status_code == 401


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body must have required property 'expiresIn'"),
        ({"expiresIn": "soon"}, "body/expiresIn must be integer"),
        ({"expiresIn": 1.5}, "body/expiresIn must be integer"),
        ({"expiresIn": "0"}, "body/expiresIn must be >= 1"),
        ({"expiresIn": 1, "transform": {"quality": 5}}, "body/transform/quality must be >= 20"),
        (
            {"expiresIn": 1, "transform": {"gravity": "fp"}},
            "body/transform must have required property 'x_offset'",
        ),
    ],
)
def test_a_wrong_order_to_sign_is_told_what_is_wrong(
    server: ContractServer, body: dict[str, Any], message: str
) -> None:
    answer = ask(server, "POST", SIGN, server.user_a, json=body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_pages_of_names_end_where_the_names_end(server: ContractServer) -> None:
    for name in ("f/a.pdf", "f/b/c.pdf", "f/b/d.pdf", "f/e.pdf"):
        server.put("pub", name, b"x")
    found, cursor = [], ""
    for _ in range(9):
        order = {"prefix": "f/", "limit": 1, "with_delimiter": True, "cursor": cursor}
        path = "/storage/v1/object/list-v2/pub"
        page = ask(server, "POST", path, server.anon, json=order).json()
        found += [entry["name"] for entry in (*page["folders"], *page["objects"])]
        if not page["hasNext"]:
            break
        cursor = page["nextCursor"]
    assert found == ["f/a.pdf", "f/b/", "f/e.pdf"]
