"""The initial RAM disk: read it, know what the machine needs of it, compare the two."""
