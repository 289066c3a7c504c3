-- What must outlive a process: the feed, revocation counters, the ledger of issued links, purges.
-- Times are Unix seconds. Every table here is read by processes of several versions at once:
-- a later migration may add, never change what a column means.

-- Numbered in the order of commits; AUTOINCREMENT, so that a trimmed number never comes back.
CREATE TABLE feed (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind  TEXT NOT NULL CHECK (kind IN ('revoked', 'changed', 'declared', 'undeclared')),
    scope TEXT NOT NULL,
    value INTEGER NOT NULL DEFAULT 0,
    at    REAL NOT NULL
) STRICT;
CREATE INDEX feed_at ON feed (at);

CREATE TABLE revocation (
    scope      TEXT PRIMARY KEY,
    counter    INTEGER NOT NULL CHECK (counter > 0),
    changed_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revocation_never_falls BEFORE UPDATE ON revocation
WHEN new.counter < old.counter OR new.scope <> old.scope
BEGIN
    SELECT raise(ABORT, 'a revocation counter is never lowered');
END;

CREATE TRIGGER revocation_never_goes BEFORE DELETE ON revocation
BEGIN
    SELECT raise(ABORT, 'a revocation counter is never deleted');
END;

CREATE TABLE declared_prefix (
    zone   TEXT NOT NULL,
    prefix TEXT NOT NULL,
    PRIMARY KEY (zone, prefix)
) STRICT, WITHOUT ROWID;

CREATE TABLE issue (
    id          INTEGER PRIMARY KEY,
    link_id     TEXT NOT NULL,
    actor       TEXT NOT NULL,
    zone        TEXT NOT NULL,
    bucket      TEXT NOT NULL,
    key         TEXT NOT NULL,
    document_id TEXT NOT NULL,
    granted     TEXT NOT NULL,
    version     TEXT NOT NULL,
    generation  INTEGER NOT NULL,
    kid         TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    issued_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX issue_link ON issue (link_id);
CREATE INDEX issue_document ON issue (document_id, issued_at);
CREATE INDEX issue_actor ON issue (actor, issued_at);

CREATE TRIGGER issue_never_changes BEFORE UPDATE ON issue
BEGIN
    SELECT raise(ABORT, 'the ledger is only added to');
END;

CREATE TRIGGER issue_never_goes BEFORE DELETE ON issue
BEGIN
    SELECT raise(ABORT, 'the ledger is only added to');
END;

CREATE TABLE purge (
    id       TEXT PRIMARY KEY,
    asked    TEXT NOT NULL,
    soft     INTEGER NOT NULL CHECK (soft IN (0, 1)),
    reason   TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    at       REAL NOT NULL
) STRICT;
CREATE INDEX purge_at ON purge (at);

-- due: of a ready job, not before; of a leased one, when the lease ends; of a settled one, when it
-- was settled.
CREATE TABLE purge_job (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    provider  TEXT NOT NULL,
    tag       TEXT NOT NULL,
    soft      INTEGER NOT NULL CHECK (soft IN (0, 1)),
    pass      INTEGER NOT NULL CHECK (pass IN (1, 2)),
    priority  INTEGER NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'done', 'dead')),
    due       REAL NOT NULL,
    lease     TEXT NOT NULL DEFAULT '',
    attempts  INTEGER NOT NULL DEFAULT 0,
    reference TEXT NOT NULL DEFAULT '',
    error     TEXT NOT NULL DEFAULT ''
) STRICT;

-- Only while ready: what is leased may already be on the wire, so a newer change must not be
-- absorbed by it but gets a job of its own.
CREATE UNIQUE INDEX purge_job_ready ON purge_job (provider, tag, soft, pass) WHERE state = 'ready';
CREATE INDEX purge_job_next ON purge_job (provider, priority, due, id)
    WHERE state IN ('ready', 'leased');
CREATE INDEX purge_job_lease ON purge_job (lease) WHERE state = 'leased';
CREATE INDEX purge_job_settled ON purge_job (state, due);

-- Which purges wait for a job. The second pass counts for a purge only when it runs at `due` or later.
CREATE TABLE purge_wait (
    job      INTEGER NOT NULL REFERENCES purge_job (id),
    purge    TEXT NOT NULL REFERENCES purge (id),
    due      REAL NOT NULL,
    PRIMARY KEY (job, purge)
) STRICT, WITHOUT ROWID;
CREATE INDEX purge_wait_purge ON purge_wait (purge);
