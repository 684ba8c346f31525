-- owner: integrity
-- What people have reported. evidence is the event as its reporter saw it, or empty.
CREATE TABLE reports (
    report_id TEXT NOT NULL PRIMARY KEY,
    reporter TEXT NOT NULL,
    room_id TEXT,
    event_id TEXT,
    user_id TEXT,
    reason TEXT NOT NULL,
    evidence BLOB NOT NULL,
    reported BIGINT NOT NULL
);
CREATE INDEX reports_reported ON reports (reported);
