"""What runs apart from the engine, to write the files of a volume."""
