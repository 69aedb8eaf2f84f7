-- Realms and projects are resources: with quotas, and deleted when they are empty.

ALTER TABLE realm ADD COLUMN quota TEXT NOT NULL DEFAULT '{}';
ALTER TABLE realm ADD COLUMN merge_memory INTEGER NOT NULL DEFAULT 0 CHECK (merge_memory IN (0, 1));
ALTER TABLE realm ADD COLUMN created TEXT NOT NULL DEFAULT '';
ALTER TABLE project ADD COLUMN quota TEXT NOT NULL DEFAULT '{}';
ALTER TABLE project ADD COLUMN created TEXT NOT NULL DEFAULT '';

-- By names, since a row outlives its project. A realm's own has no project and no name, a project's no name.
CREATE TABLE generation_of_names (
    realm TEXT NOT NULL,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (realm, project, name)
) STRICT;

INSERT INTO generation_of_names
SELECT realm.name, project.name, generation.name, value
FROM generation JOIN project ON project.id = project_id JOIN realm ON realm.id = realm_id
UNION ALL SELECT name, '', '', 1 FROM realm
UNION ALL SELECT realm.name, project.name, '', 1 FROM project JOIN realm ON realm.id = realm_id;

DROP TABLE generation;

ALTER TABLE generation_of_names RENAME TO generation;
