-- owner: media (media, media_blobs, media_thumbnails, media_usage, media_litter)

-- One row per mxc:// address. state: pending, ready, quarantined.
CREATE TABLE media (
    media_id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    content_type TEXT NOT NULL,
    filename TEXT,
    size BIGINT NOT NULL,
    hash TEXT,
    created BIGINT NOT NULL,
    expires BIGINT,
    state TEXT NOT NULL
);
CREATE INDEX media_by_owner ON media (owner, created);
CREATE INDEX media_by_hash ON media (hash);
CREATE INDEX media_pending ON media (expires) WHERE state = 'pending';

-- One row per content, whoever sent it: where its bytes lie and what was measured.
-- picture: NULL while nobody has looked, then image, video, none or huge.
CREATE TABLE media_blobs (
    hash TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    size BIGINT NOT NULL,
    holders BIGINT NOT NULL,
    created BIGINT NOT NULL,
    picture TEXT,
    width BIGINT,
    height BIGINT
);

CREATE TABLE media_thumbnails (
    source TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    method TEXT NOT NULL,
    animated BIGINT NOT NULL,
    place TEXT NOT NULL,
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    PRIMARY KEY (source, width, height, method, animated)
);

CREATE TABLE media_usage (
    owner TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL
);

-- Places whose bytes are cleared away when due, unless somebody claims them first.
CREATE TABLE media_litter (
    place TEXT PRIMARY KEY,
    due BIGINT NOT NULL,
    doomed BIGINT NOT NULL
);
CREATE INDEX media_litter_by_due ON media_litter (due);
