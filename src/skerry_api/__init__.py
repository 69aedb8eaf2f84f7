"""The HTTP API of a host: an unprivileged process that turns HTTP into requests to the engine, which alone decides."""
