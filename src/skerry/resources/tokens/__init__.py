"""Tokens: what is asked of them, decided, stored and shown. A token itself is in the answer to its making alone."""
