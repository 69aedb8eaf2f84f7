"""The command line. It is made of the protocol's table: a new verb has its command without a line here."""
