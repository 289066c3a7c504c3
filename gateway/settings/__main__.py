"""Writes the page of settings: `python -m gateway.settings > docs/settings.md`."""

from __future__ import annotations

from gateway.settings.page import page

print(page(), end="")
