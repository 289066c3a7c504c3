"""Proofs: who looks at a link that is bound to a viewer, by what comes beside it in a request."""

from __future__ import annotations

from imaging.marking.viewers import NOBODY, Viewer

__all__ = ["NOBODY", "Viewer"]
