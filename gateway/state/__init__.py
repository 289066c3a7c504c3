"""State that outlives a process: the database, its feed, revocations, ledger and outbox."""
