-- The request that an operation is part of: one has several where it does several things, one after another.
ALTER TABLE operation ADD COLUMN request TEXT NOT NULL DEFAULT '';
CREATE INDEX operation_request ON operation (request) WHERE request <> '';
-- What a request with an Idempotency-Key was answered; null while it is carried out, or where the engine died before.
CREATE TABLE kept_answer (
    token_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    asked TEXT NOT NULL,
    answer TEXT,
    PRIMARY KEY (token_id, key)
);
CREATE INDEX kept_answer_asked ON kept_answer (asked);
