"""Answers: what the API tells of links and purges, as JSON values."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TypeAlias

from gateway.descriptions import Described
from gateway.issuing.folderlinks import Given, Withheld
from gateway.issuing.issue import Issued, Refused
from gateway.making.choices import Choice
from gateway.problems import problem_for
from gateway.purges.plans import Plan
from gateway.state.receipts import PurgeStatus
from signing.links import LIVE

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def link_answer(answer: Issued | Refused) -> Json:
    """One document's answer: a link with all that shows it, or why there is none."""
    if isinstance(answer, Refused):
        return _refused(answer)
    link, document = answer.link, answer.document
    return {
        "document": {"zone": link.zone, "bucket": link.bucket, "key": link.key},
        "id": document.id,
        "link": link.id,
        "url": answer.url,
        "expires_at": link.expires_at,
        "renew_at": answer.renew_at,
        "grant": link.grant.text,
        "version": None if link.version == LIVE else document.version,
        "renditions": list(answer.markup.names),
        "template": answer.template,
        "srcset": answer.markup.srcset,
        "picture": answer.markup.picture,
        "media_type": document.media.text.decode(),
        "size": document.size,
        "width": answer.width,
        "height": answer.height,
        "pages": answer.pages,
        "thumbhash": _text(answer.markup.placeholder),
    }


def document_answer(described: Described) -> Json:
    """What a document is; `page_sizes` in points or pixels, null where a page tells none."""
    document, measured = described.document, described.measured
    ref = document.ref
    return {
        "document": {"zone": ref.zone, "bucket": ref.bucket, "key": ref.key},
        "id": document.id,
        "version": document.version,
        "etag": document.etag,
        "media_type": document.media.text.decode(),
        "size": document.size,
        "modified_at": document.modified_at,
        "width": measured.width,
        "height": measured.height,
        "pages": measured.pages,
        "page_sizes": [[*size] if all(size) else None for size in measured.sizes],
        "renditions": list(described.names),
        "auto": _chosen(described.choice),
        "broken": measured.broken or None,
        "thumbhash": _text(measured.placeholder),
    }


def _chosen(choice: Choice | None) -> Json:
    if choice is None:
        return None
    return {"rendition": choice.name, "why": choice.why, "octets": {**choice.octets}}


def _text(placeholder: bytes) -> str | None:
    return b64encode(placeholder).decode() or None


def folder_answer(answer: Given | Withheld) -> Json:
    """One folder's answer: what opens all below it, or why there is nothing.

    `template` has the token; `plain` has none, for a browser that was handed the `claim`.
    """
    if isinstance(answer, Withheld):
        wanted = answer.wanted
        named: Json = {"zone": wanted.zone, "bucket": wanted.bucket, "folder": wanted.folder}
        return {"folder": named, "error": _error(answer.error)}
    folder = answer.folder
    template = answer.base + folder.template
    return {
        "folder": {"zone": folder.zone, "bucket": folder.bucket, "folder": folder.folder},
        "link": folder.id,
        "template": template,
        "plain": template.partition("?")[0],
        "claim": folder.claim,
        "expires_at": folder.expires_at,
        "renew_at": answer.renew_at,
        "grant": folder.grant.text,
    }


def _refused(answer: Refused) -> Json:
    wanted = answer.wanted
    return {
        "document": {"zone": wanted.zone, "bucket": wanted.bucket, "key": wanted.key},
        "error": _error(answer.error),
    }


def _error(error: Exception) -> Json:
    problem = problem_for(error)
    return {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "hint": problem.hint,
    }


def purge_answer(status: PurgeStatus) -> Json:
    """How far a purge is, in all and at each CDN."""
    purge = status.purge
    return {
        "id": status.id,
        "state": status.state.value,
        "soft": bool(purge.soft),
        "reason": purge.reason,
        "asked_by": purge.by,
        "asked_at": int(purge.at),
        "providers": [
            {
                "provider": provider.provider,
                "state": provider.state.value,
                "tags": provider.tags,
                "sent": provider.sent,
                "confirmed": provider.confirmed,
                "reference": provider.reference,
                "error": provider.error,
            }
            for provider in status.providers
        ],
    }


def listed_answer(status: PurgeStatus) -> Json:
    """One purge of a list: how far it is, and what it was about."""
    told = purge_answer(status)
    assert isinstance(told, dict)
    return {**told, "asked": json.loads(status.purge.asked)}


def plan_answer(plan: Plan) -> Json:
    """What a purge would do."""
    return {
        "dry_run": True,
        "soft": plan.soft,
        "providers": [
            {
                "provider": step.provider,
                "soft": step.soft,
                "tags": list(step.tags),
                "calls": step.calls,
                "copies": step.copies,
            }
            for step in plan.steps
        ],
    }
