-- What a container is to be is its desired state.

ALTER TABLE container RENAME COLUMN wanted TO desired;

UPDATE operation
SET plan = json_remove(json_set(plan, '$.before.desired', plan ->> '$.before.wanted'), '$.before.wanted')
WHERE kind = 'container' AND plan ->> '$.before.wanted' IS NOT NULL;

UPDATE operation
SET plan = json_remove(json_set(plan, '$.after.desired', plan ->> '$.after.wanted'), '$.after.wanted')
WHERE kind = 'container' AND plan ->> '$.after.wanted' IS NOT NULL;
