"""What every package of Skerry stands on: programs, errors, plans, files, locks, cache, progress."""
