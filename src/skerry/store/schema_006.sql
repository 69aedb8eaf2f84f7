-- Which token asked for an operation, if one did: its id, and how a person named it then.
ALTER TABLE operation ADD COLUMN token_id TEXT NOT NULL DEFAULT '';
ALTER TABLE operation ADD COLUMN token TEXT NOT NULL DEFAULT '';
