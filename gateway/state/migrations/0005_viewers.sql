-- Links that are bound to a viewer: to whom (the id that `sub` is in their tokens), empty for none.
ALTER TABLE issue ADD COLUMN audience TEXT NOT NULL DEFAULT '';
CREATE INDEX issue_audience ON issue (audience, issued_at) WHERE audience <> '';

-- Claims that browsers handed over, until they would have died of themselves (Unix seconds).
CREATE TABLE spent_claim (
    claim TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
