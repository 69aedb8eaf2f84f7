"""Policies of URLs: the one normal form that the proxy evaluates in Lua, and the same decision in Python."""
