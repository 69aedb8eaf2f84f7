"""The single writer of a host: takes requests on a socket, plans, carries out, journals, recovers."""
