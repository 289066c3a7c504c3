-- What nobody may see of documents: named lists of boxes, each version for good.
-- boxes: JSON, a list of [page, left, top, right, bottom, white] (imaging/redactions.py).
CREATE TABLE redaction (
    name    TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    boxes   TEXT NOT NULL,
    put_by  TEXT NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER redaction_counts_on BEFORE INSERT ON redaction
WHEN new.version <> (SELECT coalesce(max(version), 0) + 1 FROM redaction WHERE name = new.name)
BEGIN
    SELECT raise(ABORT, 'versions of a redaction are counted from one without gaps');
END;

CREATE TRIGGER redaction_never_changes BEFORE UPDATE ON redaction
BEGIN
    SELECT raise(ABORT, 'a version of a redaction never changes');
END;

CREATE TRIGGER redaction_never_goes BEFORE DELETE ON redaction
BEGIN
    SELECT raise(ABORT, 'a version of a redaction never goes');
END;
