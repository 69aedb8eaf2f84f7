"""Secrets: what is asked of them, decided, made, stored and shown. Their values are nowhere but in their parts."""
