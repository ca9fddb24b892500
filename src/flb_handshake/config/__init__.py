"""A user's own Fluent Bit configuration, read as Fluent Bit reads it; each value knows its line."""
