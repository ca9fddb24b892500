"""A stand-alone model of Fluent Bit's TLS client side, on the standard library alone."""
