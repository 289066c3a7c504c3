-- One-time links that were used, by their names: a row lives until its link is dead (Unix seconds).
CREATE TABLE used_link (
    zone    TEXT NOT NULL,
    name    TEXT NOT NULL,
    until   INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (zone, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX used_link_until ON used_link (until);
