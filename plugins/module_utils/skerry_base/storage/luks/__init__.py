"""The keys and the header of an encrypted volume."""
