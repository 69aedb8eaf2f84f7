"""The host's TLS certificate: from a certificate authority of its own, or brought by the operator."""
