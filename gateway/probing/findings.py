"""Findings: what a round of questions showed of a CDN, and what follows from all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from gateway.probing.replies import Reply
from gateway.state.proofs import Outcome

Verdict = Literal["ok", "note", "unclear", "leak"]
"""`leak`: it gave something away. `unclear`: it did not show whether it would."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; `hint` tells how to mend it. It names no link."""

    name: str
    verdict: Verdict
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one round."""

    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """Proven only where nothing was given away and nothing stayed unclear."""
        verdicts = {finding.verdict for finding in self.findings}
        if "leak" in verdicts:
            return "failed"
        return "unproven" if "unclear" in verdicts or not verdicts else "proven"

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What keeps it from being proven."""
        return tuple(one for one in self.findings if one.verdict in ("unclear", "leak"))

    @property
    def text(self) -> str:
        """The findings as JSON."""
        return json.dumps([asdict(finding) for finding in self.findings])


_OFTEN = "a limit of the CDN or of [limits] turns the questions away: let 100 a minute pass"


def refusals(name: str, replies: Iterable[Reply], hint: str) -> Finding:
    """What replies show of which each should be a refusal."""
    told = list(replies)
    for reply in told:
        if reply.served:
            return Finding(name, "leak", f"answered {reply}", hint)
    for reply in told:
        if not reply.refused:
            what = f"answered {reply}, which is no refusal"
            return Finding(name, "unclear", what, _OFTEN if reply.status == 429 else "")
    return Finding(name, "ok", f"refused, {len(told)} times")
