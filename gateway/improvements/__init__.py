"""Improvements: first answers made better, and the next ones made, in the background."""

from gateway.improvements.announcements import Announcements
from gateway.improvements.improver import Announce, Improver, Pacing
from gateway.improvements.neighbours import Neighbours
from gateway.improvements.prefetcher import Prefetcher
from gateway.improvements.wishes import Wishes

__all__ = [
    "Announce",
    "Announcements",
    "Improver",
    "Neighbours",
    "Pacing",
    "Prefetcher",
    "Wishes",
]
