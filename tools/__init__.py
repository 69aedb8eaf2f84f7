"""The repository's own checks and generators, which `make check` and `make docs` run."""
