"""Fronts: who asks, through what, and how often: proxies, CDNs that prove themselves, limits."""
