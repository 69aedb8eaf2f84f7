"""Projects: what belongs together of a realm, with quotas of its own."""
