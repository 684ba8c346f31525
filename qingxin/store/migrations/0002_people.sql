-- owner: people
CREATE TABLE users (
    user_id TEXT NOT NULL PRIMARY KEY,
    password TEXT NOT NULL,                 -- Argon2id in its own notation, or empty: matches nothing
    moderator BIGINT NOT NULL DEFAULT 0,
    locked BIGINT NOT NULL DEFAULT 0,
    suspended BIGINT NOT NULL DEFAULT 0,
    closed BIGINT NOT NULL DEFAULT 0,
    settled BIGINT NOT NULL DEFAULT 0,      -- closed, and everything that belonged to it has gone
    erased BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL
);
CREATE INDEX users_closing ON users (user_id) WHERE closed = 1 AND settled = 0;

CREATE TABLE registration_tokens (
    token TEXT NOT NULL PRIMARY KEY,
    uses_allowed BIGINT NOT NULL,           -- 0: any number
    uses BIGINT NOT NULL DEFAULT 0,
    expires BIGINT NOT NULL,                -- 0: never
    created BIGINT NOT NULL
);

CREATE TABLE devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    created BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id)
);

-- Apart from devices, because it is written for many of them in one statement.
CREATE TABLE sightings (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id)
);

-- One row is one access token with the refresh token that came with it, both hashed.
CREATE TABLE tokens (
    access_hash TEXT NOT NULL PRIMARY KEY,
    refresh_hash TEXT UNIQUE,
    replaces TEXT,                          -- the refresh token that this pair makes void once used
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    expires BIGINT NOT NULL,                -- 0: never
    created BIGINT NOT NULL
);
CREATE INDEX tokens_device ON tokens (user_id, device_id);
CREATE INDEX tokens_replaces ON tokens (replaces) WHERE replaces IS NOT NULL;

-- Tokens for one purpose and a short time: to sign in another device, or OpenID.
CREATE TABLE passes (
    pass_hash TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX passes_expires ON passes (expires);

CREATE TABLE profiles (
    user_id TEXT NOT NULL PRIMARY KEY,
    fields BLOB NOT NULL,
    display_name TEXT,
    avatar_url TEXT,
    folded TEXT NOT NULL,                   -- what the user directory searches: names in one case
    position BIGINT NOT NULL
);
CREATE INDEX profiles_position ON profiles (position);

CREATE TABLE account_data (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,                  -- empty: not about a room
    type TEXT NOT NULL,
    content BLOB NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (user_id, room_id, type)
);
CREATE INDEX account_data_position ON account_data (user_id, position);
CREATE INDEX account_data_line ON account_data (position);

CREATE TABLE filters (
    user_id TEXT NOT NULL,
    filter_id TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (user_id, filter_id)
);
