"""Opens an installed server from a rescue system, and says what is wrong with its boot."""
