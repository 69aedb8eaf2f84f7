"""The parts of the host, one file each. Importing this room registers them all for the journal."""
