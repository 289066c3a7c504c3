"""Rungs: the ways in which a gateway learns of changes in a project, and what each one takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from gateway.catalogue import REMOTE_TTL
from gateway.survey.triggers import PLACEHOLDER

ANYWHERE = "https://GATEWAY"
"""Stands for the gateway's address where nobody gave it."""

_READ_THROUGH = (
    f"whoever asks the gateway sees a change within {REMOTE_TTL:.0f} s, and then CDNs are purged; "
    "until somebody asks they keep the old, as long as they may"
)


@dataclass(frozen=True, slots=True)
class Rung:
    """The highest rung that is in force; `function` is what the database's triggers call."""

    function: str = ""

    @property
    def name(self) -> Literal["read-through", "webhook"]:
        return "webhook" if self.function else "read-through"

    @property
    def detail(self) -> str:
        """What it means."""
        if not self.function:
            return _READ_THROUGH
        return (
            f"the database tells the gateway of each change, by {self.function}; what gets lost on "
            f"the way is made up for by the rung below: {_READ_THROUGH}"
        )


def higher(rung: Rung, gateway_url: str, config: str) -> Iterator[str]:
    """Sentences on how to get to the webhook; none where it is in force."""
    if rung.function:
        return
    command = f"ostiary connect --print-sql --gateway-url {gateway_url or ANYWHERE}"
    yield (
        f"For the webhook run `{command}` and paste what it prints into Supabase's SQL editor, "
        f"with webhook_secret of {config} in the place of {PLACEHOLDER}."
    )


def storage_environment(url: str, gateway_url: str) -> list[str]:
    """For the environment of a storage server that is one's own; nothing for a hosted project.

    It then tells the gateway of changes itself, and hands on `purgeCache()`.
    """
    host = urlsplit(url).hostname or ""
    if host.endswith((".supabase.co", ".supabase.in")):
        return []
    hooks = f"{gateway_url or ANYWHERE}/hooks"
    return [
        f"WEBHOOK_URL={hooks}/storage",
        f"WEBHOOK_API_KEY={PLACEHOLDER}",
        f"CDN_PURGE_ENDPOINT_URL={hooks}",
        f"CDN_PURGE_ENDPOINT_KEY={PLACEHOLDER}",
        "S3_PROTOCOL_PREFIX=/storage/v1",
    ]
