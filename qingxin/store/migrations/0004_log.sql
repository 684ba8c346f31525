-- owner: log (events, state, rooms, cursors); owner: rooms (aliases, listings, receipts, forgotten, notice_rooms)
CREATE TABLE rooms (
    shard BIGINT NOT NULL,
    room_id TEXT NOT NULL,
    version TEXT NOT NULL,
    type TEXT,
    creator TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (shard, room_id)
);

CREATE TABLE events (
    shard BIGINT NOT NULL,
    position BIGINT NOT NULL,
    room_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT,
    sender TEXT NOT NULL,
    ts BIGINT NOT NULL,
    content BLOB NOT NULL,
    unsigned BLOB NOT NULL,
    redacts TEXT,
    redacted_by TEXT,
    rel_type TEXT,
    rel_to TEXT,
    thread TEXT,
    related BIGINT NOT NULL DEFAULT 0,
    device_id TEXT,
    txn_id TEXT,
    PRIMARY KEY (shard, position)
);
CREATE UNIQUE INDEX events_id ON events (shard, event_id);
CREATE INDEX events_room ON events (shard, room_id, position);
CREATE INDEX events_state ON events (shard, room_id, type, state_key, position)
    WHERE state_key IS NOT NULL;
CREATE INDEX events_member ON events (state_key, position) WHERE type = 'm.room.member';
CREATE INDEX events_related ON events (shard, rel_to, rel_type, sender) WHERE rel_to IS NOT NULL;
CREATE INDEX events_thread ON events (shard, room_id, thread, position) WHERE thread IS NOT NULL;
CREATE INDEX events_redacting ON events (shard, redacts) WHERE redacts IS NOT NULL;

CREATE TABLE state (
    shard BIGINT NOT NULL,
    room_id TEXT NOT NULL,
    type TEXT NOT NULL,
    state_key TEXT NOT NULL,
    position BIGINT NOT NULL,
    membership TEXT,
    PRIMARY KEY (shard, room_id, type, state_key)
);
CREATE INDEX state_member ON state (state_key, membership, room_id) WHERE type = 'm.room.member';
CREATE INDEX state_members ON state (shard, room_id, membership, position)
    WHERE type = 'm.room.member';

-- How far each follower has come, and which process holds it until when.
CREATE TABLE cursors (
    follower TEXT NOT NULL,
    shard BIGINT NOT NULL,
    position BIGINT NOT NULL,
    holder TEXT,
    held_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (follower, shard)
);

CREATE TABLE aliases (
    alias TEXT NOT NULL PRIMARY KEY,
    room_id TEXT NOT NULL,
    creator TEXT NOT NULL
);
CREATE INDEX aliases_room ON aliases (room_id);

-- The rooms on the public list. type is empty for none; words are name, topic and alias in one case.
CREATE TABLE listings (
    room_id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    members BIGINT NOT NULL,
    words TEXT NOT NULL
);
CREATE INDEX listings_order ON listings (members DESC, room_id);

CREATE TABLE receipts (
    shard BIGINT NOT NULL,
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    type TEXT NOT NULL,
    thread TEXT NOT NULL,
    event_id TEXT NOT NULL,
    read_to BIGINT NOT NULL,
    ts BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (shard, room_id, user_id, type, thread)
);
CREATE INDEX receipts_position ON receipts (shard, room_id, position);

CREATE TABLE forgotten (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id)
);

-- The room in which the server speaks to each person.
CREATE TABLE notice_rooms (
    user_id TEXT NOT NULL PRIMARY KEY,
    room_id TEXT NOT NULL
);
