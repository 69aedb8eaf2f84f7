"""Decide: what is wanted, what is there, and so which steps, in which order, and why. Pure: touches nothing."""
