"""The x509-limbo test suite, played with a Fluent Bit as the verifier."""
