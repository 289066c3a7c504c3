-- What a CDN took and is still carrying out: it is asked at `due`, or its time is over then.
CREATE TABLE purge_settling (
    job       INTEGER PRIMARY KEY REFERENCES purge_job (id),
    provider  TEXT NOT NULL,
    reference TEXT NOT NULL,
    taken     REAL NOT NULL,
    second    REAL NOT NULL,
    due       REAL NOT NULL
) STRICT;
CREATE INDEX purge_settling_due ON purge_settling (provider, due);

-- What a revocation took back and what lives on, as JSON, written with it. Kept for good, and at the
-- end with what the CDNs said, for purges are forgotten.
CREATE TABLE receipt (
    purge TEXT PRIMARY KEY,
    facts TEXT NOT NULL,
    done  TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TRIGGER receipt_never_goes BEFORE DELETE ON receipt
BEGIN
    SELECT raise(ABORT, 'a receipt is kept for good');
END;

CREATE TRIGGER receipt_never_changes BEFORE UPDATE ON receipt
WHEN new.purge <> old.purge OR new.facts <> old.facts OR old.done <> ''
BEGIN
    SELECT raise(ABORT, 'what a receipt says is never changed');
END;
