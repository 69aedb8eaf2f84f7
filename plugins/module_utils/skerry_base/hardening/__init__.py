"""Settings that leave an attacker less: one table, what the running machine says of each, and the plan between the two."""
