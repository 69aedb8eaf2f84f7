-- A container that is to run can be frozen: its desired state is then 'started' here, and this is 1.
ALTER TABLE container ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0 CHECK (frozen IN (0, 1));
