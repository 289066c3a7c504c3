"""Policies: whether a project lets anybody at all see what is private."""

from __future__ import annotations

import json

from gateway.errors import Answer
from gateway.survey.apikeys import SERVICE, ApiKey
from gateway.survey.buckets import Bucket, Samples
from gateway.survey.checks import Check, listed
from gateway.survey.probe import Probe
from signing.addresses import canonical_bucket

_NAME = "policies"


async def policy_check(probe: Probe, anon_key: str, samples: Samples) -> Check:
    """Try what somebody who is not signed in may do in private buckets.

    A yes to the anon key is a yes to everybody, since every browser has that key.
    """
    private = [bucket for bucket in samples.buckets if not bucket.public]
    if not private:
        return Check(_NAME, "ok", "there is no private bucket")
    if not anon_key:
        hint = "set SUPABASE_ANON_KEY to the key that browsers have"
        return Check(_NAME, "warn", "not tried: that takes the anon key", hint)
    if ApiKey.read(anon_key).role == SERVICE:
        hint = "give the anon or sb_publishable_ key as the one that browsers have"
        return Check(_NAME, "warn", "not tried: the anon key given is a service key", hint)
    open_to_all = [
        bucket.name for bucket in private if await _is_open(probe, anon_key, bucket, samples)
    ]
    if open_to_all:
        what = f"ANYBODY may list or sign documents of private buckets: {listed(open_to_all)}"
        hint = "mend the policies on storage.objects: the gateway gives links by them"
        return Check(_NAME, "warn", what, hint)
    tried = sum(bucket in samples.paths for bucket in private)
    what = f"without a session nobody lists or signs in private buckets: {len(private)} tried"
    return Check(_NAME, "ok", f"{what}, {tried} of them with a document")


async def _is_open(probe: Probe, key: str, bucket: Bucket, samples: Samples) -> bool:
    listing = {"prefix": "", "limit": 1, "offset": 0}
    place = f"/object/list/{canonical_bucket(bucket.name)}"
    if _has_rows(await probe.ask("POST", place, key, body=listing)):
        return True
    if bucket not in samples.paths:
        return False
    path = f"/object/sign/{samples.paths[bucket]}"
    return (await probe.ask("POST", path, key, body={"expiresIn": 1})).status == 200


def _has_rows(answer: Answer) -> bool:
    try:
        return answer.status == 200 and bool(json.loads(answer.body))
    except (ValueError, RecursionError):
        return False
