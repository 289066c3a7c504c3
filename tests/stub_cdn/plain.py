"""Vendors that are shown a secret as it is."""

from __future__ import annotations

import re
from urllib.parse import unquote

from tests.stub_cdn.accounts import ID, SECRET, TEAM
from tests.stub_cdn.calls import Call, Order, Refusal, Reply, demand

_DIGEST = re.compile(r"[0-9a-f]{32}")


def _names(value: object, longest: int = 1_024) -> tuple[str, ...]:
    demand(isinstance(value, list) and bool(value), 400, "no list of tags")
    assert isinstance(value, list)
    demand(all(isinstance(one, str) and 0 < len(one) <= longest for one in value), 400, "bad tag")
    return tuple(value)


class Cloudflare:
    """https://developers.cloudflare.com/cache/how-to/purge-cache/"""

    def order(self, call: Call) -> Order:
        if call.fields.get("authorization") != f"Bearer {SECRET}":
            errors = [{"code": 10000, "message": "Authentication error"}]
            raise Refusal(Reply(403, {"success": False, "errors": errors}))
        ways = {f"/client/v4/zones/{ID}/{way}": way for way in ("purge_cache", "invalidate_cache")}
        demand(call.method == "POST" and call.path in ways, 404, "no such route")
        told = call.json()
        demand(set(told) == {"tags"}, 400, "exactly one kind of purge")
        return Order(_names(told["tags"]), ways[call.path] == "invalidate_cache")

    def taken(self, order: Order, reference: str) -> Reply:
        said = {"success": True, "errors": [], "messages": [], "result": {"id": reference}}
        return Reply(200, said)


class Fastly:
    """https://www.fastly.com/documentation/reference/api/purging/"""

    def order(self, call: Call) -> Order:
        demand(call.fields.get("fastly-key") == SECRET, 401, "Provided credentials are missing")
        right = call.method == "POST" and call.path == f"/service/{ID}/purge"
        demand(right, 404, "no such route")
        names = _names(call.json().get("surrogate_keys"))
        return Order(names, "fastly-soft-purge" in call.fields)

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200, {name: f"{reference}-{n}" for n, name in enumerate(order.names)})


class Bunny:
    """https://docs.bunny.net/cdn/purge-cache"""

    def order(self, call: Call) -> Order:
        demand(call.fields.get("accesskey") == SECRET, 401, "Authorization has been denied")
        right = call.method == "POST" and call.path == f"/pullzone/{ID}/purgeCache"
        demand(right, 404, "no such route")
        # Without a tag the whole zone would go: no provider of ours may ever ask for that.
        tag = call.json().get("CacheTag")
        demand(isinstance(tag, str) and bool(tag), 400, "a tag is asked for here")
        return Order((str(tag),))

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(204)


class Vercel:
    """https://vercel.com/docs/rest-api/edge-cache/invalidate-by-tag"""

    def order(self, call: Call) -> Order:
        demand(call.fields.get("authorization") == f"Bearer {SECRET}", 401, "not authorized")
        below = "/v1/edge-cache/"
        ways = {below + "invalidate-by-tags": True, below + "dangerously-delete-by-tags": False}
        demand(call.method == "POST" and call.path in ways, 404, "no such route")
        demand(call.asked == {"projectIdOrName": ID, "teamId": TEAM}, 400, "which project?")
        told = call.json()
        demand(set(told) <= {"tags", "target"}, 400, "unknown property")
        demand(told.get("target", "production") in ("production", "preview"), 400, "bad target")
        return Order(_names(told.get("tags"), 256), ways[call.path])

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200)


class Supabase:
    """https://supabase.com/docs/guides/storage/cdn/purge-cdn-cache"""

    def order(self, call: Call) -> Order:
        denied = {"statusCode": "403", "error": "Unauthorized", "message": "Access denied"}
        if call.fields.get("authorization") != f"Bearer {SECRET}":
            raise Refusal(Reply(403, denied))
        below = "/storage/v1/cdn/"
        right = call.method == "DELETE" and call.path.startswith(below)
        demand(right, 404, "no such route")
        transforms = call.asked.get("transformations") == "true"
        place = unquote(call.path.removeprefix(below))
        return Order((f"{place}?transforms" if transforms else place,))

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200, {"message": "success"})


class Varnish:
    """Our own VCL: deploy/varnish/ostiary.vcl."""

    def order(self, call: Call) -> Order:
        demand(call.method in ("PURGE", "SOFTPURGE"), 405, "no purge")
        demand(call.fields.get("purge-key") == SECRET, 403, "no")
        names = call.fields.get("xkey-purge", "").split()
        demand(bool(names), 400, "no tags")
        return Order(tuple(names), call.method == "SOFTPURGE")

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200, f"purged {len(order.names)}\n")


class Nginx:
    """Our own njs, which unlinks copies by the MD5 of their keys."""

    def order(self, call: Call) -> Order | Reply:
        demand(call.fields.get("purge-key") == SECRET, 403, "no")
        demand(call.method == "POST", 403, "no")
        demand(call.path == "/njspurge", 404, "no such route")
        names = tuple(call.body.decode().split())
        demand(all(_DIGEST.fullmatch(name) for name in names), 500, "no digest")
        return Reply(200, "purged 0\n") if not int(names[0], 16) else Order(names)

    def taken(self, order: Order, reference: str) -> Reply:
        return Reply(200, f"purged {len(order.names)}\n")
