-- The newest number of each shard's line; the row is held while numbers are given out.
CREATE TABLE log_heads (
    shard BIGINT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO log_heads (shard, number) VALUES (0, 0);
