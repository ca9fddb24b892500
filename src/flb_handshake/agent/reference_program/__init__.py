"""A stand-alone model of Fluent Bit's TLS layer: its inputs and outputs, and what they speak."""
