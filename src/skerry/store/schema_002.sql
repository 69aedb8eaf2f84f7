-- The journal is every kind's: what it is about has a kind, an id and a name.

DROP INDEX operation_open;

CREATE TABLE operation_of_any_kind (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    resource_id TEXT NOT NULL,  -- '' where only the operation itself will tell
    resource TEXT NOT NULL,     -- as a person names it
    verb TEXT NOT NULL,
    plan TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    timings TEXT NOT NULL DEFAULT '[]',
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'undone', 'failed')),
    error TEXT NOT NULL DEFAULT '',
    started TEXT NOT NULL,
    finished TEXT
) STRICT;

INSERT INTO operation_of_any_kind
SELECT id, 'container', container_id, container, verb, plan, done, timings, state, error, started, finished
FROM operation;

DROP TABLE operation;

ALTER TABLE operation_of_any_kind RENAME TO operation;

CREATE INDEX operation_open ON operation (kind, resource_id) WHERE state = 'open';

-- A kind that came after this schema has tables of its own; how many of its migrations have been applied.
CREATE TABLE kind_schema (kind TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
