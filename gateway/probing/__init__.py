"""Probing: what a CDN does with links that are no good, found out by asking it."""

from __future__ import annotations

from gateway.probing.findings import Finding, Report
from gateway.probing.keeper import Keeper, Rhythm, written
from gateway.probing.links import CanaryLinks
from gateway.probing.probe import Pace, Probe
from gateway.probing.replies import Ask, Asks, HttpAsks, Reply
from gateway.probing.rounds import Rounds

__all__ = [
    "Ask",
    "Asks",
    "CanaryLinks",
    "Finding",
    "HttpAsks",
    "Keeper",
    "Pace",
    "Probe",
    "Reply",
    "Report",
    "Rhythm",
    "Rounds",
    "written",
]
