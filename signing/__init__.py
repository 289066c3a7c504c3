"""Who may: keys, grants and the link grammar os1. No network, no clock, no framework."""
