"""A mirror: how whole it is, and a new disk in a dead one's place."""
