-- What each zone's CDN was last found to do with links that are no good (gateway/state/proofs.py).
-- config: a digest of the URL and of the settings that the finding is about.
-- proved_at: when it was last found to guard them; 0 for never, or not since it failed.
CREATE TABLE proof (
    zone       TEXT PRIMARY KEY,
    config     TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('proven', 'failed', 'unproven')),
    proved_at  REAL NOT NULL,
    checked_at REAL NOT NULL,
    told       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
