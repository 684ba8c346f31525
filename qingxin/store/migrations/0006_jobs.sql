-- owner: jobs
-- One row is work that is still to be done. version rises with every new wish for the same
-- work; lease is who is at it, until leased_until.
CREATE TABLE jobs (
    job_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 0,
    lease TEXT,
    leased_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX jobs_due ON jobs (due);
