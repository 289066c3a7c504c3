"""Improvements: first answers made better, and the next ones made, in the background."""

from gateway.making.improvements.announcements import Announcements
from gateway.making.improvements.improver import Announce, Improver, Pacing
from gateway.making.improvements.neighbours import Neighbours
from gateway.making.improvements.prefetcher import Prefetcher
from gateway.making.improvements.wishes import Wishes

__all__ = [
    "Announce",
    "Announcements",
    "Improver",
    "Neighbours",
    "Pacing",
    "Prefetcher",
    "Wishes",
]
