"""Worker processes: the pool, what it says to them, and what they may do."""
