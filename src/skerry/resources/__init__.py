"""A folder for each kind of resource, and what a kind is. They do not know each other."""
