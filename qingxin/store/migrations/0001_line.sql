-- The newest number of each shard's line; the row is held while numbers are given out.
CREATE TABLE log_heads (
    shard BIGINT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO log_heads (shard, number) VALUES (0, 0);

-- What is no event in the line, for the processes that did not write it; see store/notes.py.
CREATE TABLE line_notes (
    shard BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    room_id TEXT,
    user_id TEXT,
    news BLOB NOT NULL,
    PRIMARY KEY (shard, number)
);
