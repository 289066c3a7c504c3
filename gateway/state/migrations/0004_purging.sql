-- The bigger tags that every answer with a job's tag has as well, empty where there is none: many
-- jobs that wait become one.
ALTER TABLE purge_job ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE purge_job ADD COLUMN bucket TEXT NOT NULL DEFAULT '';
ALTER TABLE purge_job ADD COLUMN zone TEXT NOT NULL DEFAULT '';

-- The keys under which operators asked; key and body are digests.
CREATE TABLE purge_key (
    operator TEXT NOT NULL,
    key      BLOB NOT NULL,
    body     BLOB NOT NULL,
    purge    TEXT NOT NULL,
    at       REAL NOT NULL,
    PRIMARY KEY (operator, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX purge_key_at ON purge_key (at);

-- Which copies a cache without tags may hold, by the MD5 of their keys (cdn/copies.py), and until
-- when.
CREATE TABLE copy (
    tag    TEXT NOT NULL,
    digest BLOB NOT NULL,
    until  REAL NOT NULL,
    PRIMARY KEY (tag, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX copy_until ON copy (until);

-- Counted as they come and go: counting two million rows takes too long for every answer.
CREATE TABLE copy_count (number INTEGER NOT NULL) STRICT;
INSERT INTO copy_count VALUES (0);
CREATE TRIGGER copy_comes AFTER INSERT ON copy BEGIN
    UPDATE copy_count SET number = number + 1;
END;
CREATE TRIGGER copy_goes AFTER DELETE ON copy BEGIN
    UPDATE copy_count SET number = number - 1;
END;
