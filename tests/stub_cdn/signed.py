"""Vendors that are shown a proof made of a secret; each is checked by the vendor's own library."""

from __future__ import annotations

import hmac
import re
import uuid
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import jwt
import requests
from akamai.edgegrid import EdgeGridAuth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.stub_cdn.accounts import (
    ACCESS_KEY,
    ACCESS_TOKEN,
    CLIENT_TOKEN,
    EMAIL,
    ID,
    PROJECT,
    SECRET,
    google_key,
)
from tests.stub_cdn.calls import Call, Order, Question, Refusal, Reply, demand

_BODY = 50_000
_AKAMAI_TAG = re.compile(r"[^\s<>*@\\{}:]{1,128}")
_EDGEGRID = re.compile(r"timestamp=([^;]+);nonce=([^;]+);signature=")
_SIGV4 = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/[^,]*, SignedHeaders=([^,]+), Signature=")
_CLOUDFRONT = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
_TOKEN = "an-access-token-of-the-stub"


class Akamai:
    """https://techdocs.akamai.com/purge-cache/reference/api"""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def order(self, call: Call) -> Order:
        if not self._proven(call):
            raise Refusal(_problem(401, "Unauthorized"))
        route = re.fullmatch(r"/ccu/v3/(delete|invalidate)/tag/(production|staging)", call.path)
        demand(call.method == "POST" and route is not None, 404, "no such route")
        if len(call.body) >= _BODY:
            raise Refusal(_problem(413, "Request Entity Too Large"))
        told = call.json()
        objects = told.get("objects")
        if set(told) != {"objects"} or not isinstance(objects, list) or not objects:
            raise Refusal(_problem(400, "Bad Request"))
        if not all(isinstance(one, str) and _AKAMAI_TAG.fullmatch(one) for one in objects):
            raise Refusal(_problem(400, "Invalid tag"))
        assert route is not None
        return Order(tuple(objects), route[1] == "invalidate")

    def taken(self, order: Order, reference: str) -> Reply:
        said: dict[str, Any] = {"httpStatus": 201, "detail": "Request accepted"}
        return Reply(201, {**said, "estimatedSeconds": 5, "purgeId": reference})

    def _proven(self, call: Call) -> bool:
        """Whether the official package signs this call alike, and its nonce is new."""
        told = call.fields.get("authorization", "")
        found = _EDGEGRID.search(told)
        if found is None or found[2] in self._seen:
            return False
        self._seen.add(found[2])
        url = f"http://{call.fields['host']}{call.target}"
        asked = requests.Request(call.method, url, data=call.body).prepare()
        signer = EdgeGridAuth(CLIENT_TOKEN, SECRET, ACCESS_TOKEN)
        return hmac.compare_digest(signer.ah.make_auth_header(asked, found[1], found[2]), told)


def _problem(status: int, title: str) -> Reply:
    fields = (("content-type", "application/api-problem+json"),)
    return Reply(status, {"title": title, "httpStatus": status}, fields)


class Google:
    """https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps/invalidateCache"""

    def order(self, call: Call) -> Order | Question | Reply:
        if call.path == "/token":
            return self._token(call)
        demand(call.fields.get("authorization") == f"Bearer {_TOKEN}", 401, "UNAUTHENTICATED")
        operation = f"/compute/v1/projects/{PROJECT}/global/operations/"
        if call.method == "GET" and call.path.startswith(operation):
            return Question(call.path.removeprefix(operation))
        at = f"/compute/v1/projects/{PROJECT}/global/urlMaps/{ID}/invalidateCache"
        demand(call.method == "POST" and call.path == at, 404, "no such route")
        key = call.asked.get("requestId", "")
        demand(bool(key) and uuid.UUID(key).int != 0, 400, "no UUID")
        told = call.json()
        demand(set(told) <= {"host", "path", "cacheTags"}, 400, "unknown name")
        names = told.get("cacheTags")
        demand(isinstance(names, list) and bool(names), 400, "no tags")
        return Order(tuple(map(str, names or ())), key=key)

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200, {"kind": "compute#operation", "name": reference, "status": "PENDING"})

    def progress(self, reference: str, done: bool) -> Reply:
        status = "DONE" if done else "RUNNING"
        return Reply(200, {"kind": "compute#operation", "name": reference, "status": status})

    def unknown(self) -> Reply:
        return Reply(404, {"error": {"code": 404, "message": "The resource was not found"}})

    def _token(self, call: Call) -> Reply:
        """RFC 7523: a token for a signed word."""
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        key = google_key().public_key()
        audience = f"http://{call.fields['host']}/token"
        try:
            word = jwt.decode(form.get("assertion", ""), key, ["RS256"], audience=audience)
        except jwt.InvalidTokenError:
            raise Refusal(Reply(400, {"error": "invalid_grant"})) from None
        right = word["iss"] == EMAIL and form["grant_type"].endswith(":jwt-bearer")
        demand(right, 400, "invalid_grant")
        return Reply(200, {"access_token": _TOKEN, "expires_in": 3_600, "token_type": "Bearer"})


class CloudFront:
    """https://docs.aws.amazon.com/cloudfront/latest/APIReference/"""

    def order(self, call: Call) -> Order | Question | Reply:
        if not _signed_by_aws(call):
            raise Refusal(_aws_error(403, "SignatureDoesNotMatch"))
        at = f"/2020-05-31/distribution/{ID}"
        if call.method == "GET" and call.path.startswith(f"{at}/invalidation/"):
            return Question(call.path.removeprefix(f"{at}/invalidation/"))
        if call.method == "GET" and call.path == f"{at}/config":
            return Reply(200, _CONFIG.encode(), (("content-type", "text/xml"),))
        if call.method != "POST" or call.path != f"{at}/invalidation":
            raise Refusal(_aws_error(404, "NoSuchDistribution"))
        batch = ElementTree.fromstring(call.body)
        names = [item.text or "" for item in batch.iter(f"{_CLOUDFRONT}Path")]
        quantity = batch.findtext(f"{_CLOUDFRONT}Paths/{_CLOUDFRONT}Quantity")
        if quantity != str(len(names)):
            raise Refusal(_aws_error(400, "InconsistentQuantities"))
        if not all(re.fullmatch(r"#[!-+\--~]{1,256}", name) for name in names):
            raise Refusal(_aws_error(400, "InvalidArgument"))
        key = batch.findtext(f"{_CLOUDFRONT}CallerReference") or ""
        return Order(tuple(name.removeprefix("#") for name in names), key=key)

    def taken(self, order: Order, reference: str) -> Reply:
        return _invalidation(201, reference, "InProgress")

    def progress(self, reference: str, done: bool) -> Reply:
        return _invalidation(200, reference, "Completed" if done else "InProgress")

    def unknown(self) -> Reply:
        return _aws_error(404, "NoSuchInvalidation")


def _invalidation(code: int, reference: str, status: str) -> Reply:
    body = (
        f'<Invalidation xmlns="{_CLOUDFRONT[1:-1]}"><Id>{reference}</Id>'
        f"<Status>{status}</Status></Invalidation>"
    )
    return Reply(code, body.encode(), (("content-type", "text/xml"),))


_CONFIG = (
    f'<DistributionConfig xmlns="{_CLOUDFRONT[1:-1]}"><CacheTagConfig>'
    "<HeaderName>Cache-Tag</HeaderName></CacheTagConfig></DistributionConfig>"
)


def _aws_error(status: int, code: str) -> Reply:
    body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    return Reply(status, body.encode(), (("content-type", "text/xml"),))


def _signed_by_aws(call: Call) -> bool:
    told = call.fields.get("authorization", "")
    found = _SIGV4.match(told)
    if found is None or found[1] != ACCESS_KEY:
        return False
    fields = {name: call.fields.get(name, "") for name in found[2].split(";")}
    url = f"http://{call.fields['host']}{call.target}"
    request = AWSRequest(call.method, url, data=call.body, headers=fields)
    request.context["timestamp"] = call.fields["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET), "cloudfront", "us-east-1")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(signer.signature(text, request), told[found.end() :])
