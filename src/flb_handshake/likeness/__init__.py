"""A real server's look-alike: what it presents and negotiates, with keys of our own."""
