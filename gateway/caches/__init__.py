"""Caches: copies that may be lost at any time without anything but work being lost."""
