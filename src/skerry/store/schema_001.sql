-- The truth of one host. LXC configs, units, nftables sets and proxy maps are rendered from it.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE realm (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE project (
    id TEXT PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id),
    name TEXT NOT NULL,
    UNIQUE (realm_id, name)
) STRICT;

-- Never deleted, only raised: no id and no URL ever comes back.
CREATE TABLE generation (
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT;

CREATE TABLE image (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    command TEXT NOT NULL,
    env TEXT NOT NULL,
    recipe TEXT NOT NULL,  -- digest of what it was built from; '' where it was imported
    created TEXT NOT NULL
) STRICT;

CREATE TABLE container (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    name TEXT NOT NULL,
    slot INTEGER NOT NULL UNIQUE,
    image_digest TEXT NOT NULL REFERENCES image (digest),
    spec TEXT NOT NULL,
    wanted TEXT NOT NULL CHECK (wanted IN ('started', 'stopped')),
    version INTEGER NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE tombstone (id TEXT PRIMARY KEY, deleted TEXT NOT NULL) STRICT;

CREATE TABLE route (
    host TEXT PRIMARY KEY,
    container_id TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the proxy reads when it starts or reloads.
CREATE VIEW route_map AS SELECT host, value FROM route;

-- The journal. `done` counts the steps whose effect is known to be complete.
CREATE TABLE operation (
    id INTEGER PRIMARY KEY,
    verb TEXT NOT NULL,
    container_id TEXT NOT NULL,
    container TEXT NOT NULL,
    plan TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    timings TEXT NOT NULL DEFAULT '[]',
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'undone', 'failed')),
    error TEXT NOT NULL DEFAULT '',
    started TEXT NOT NULL,
    finished TEXT
) STRICT;

CREATE INDEX operation_open ON operation (container_id) WHERE state = 'open';
