"""Policies: what is asked of them, decided, shown and explained. No answer has a secret of one."""
