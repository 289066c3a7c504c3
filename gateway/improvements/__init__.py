"""Improvements: first answers made better in the background, for whoever asks next."""

from gateway.improvements.announcements import Announcements
from gateway.improvements.improver import Announce, Improver, Pacing
from gateway.improvements.wishes import Wishes

__all__ = ["Announce", "Announcements", "Improver", "Pacing", "Wishes"]
