"""Pixels: decoded, placed, scaled and told apart, before any encoding."""
