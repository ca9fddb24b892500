"""A Fluent Bit log into its TLS troubles: what each means, what may cause it, what to do."""
