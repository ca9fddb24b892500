"""Shows why a Fluent Bit TLS handshake succeeds or fails, one thing wrong at a time."""
