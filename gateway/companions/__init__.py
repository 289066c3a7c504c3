"""Companions: what a link may need beside itself: who its viewer is, that it was not used yet."""
