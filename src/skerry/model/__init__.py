"""What things are: ids, names, limits, containers, images, the host. Frozen, typed, no input or output."""
