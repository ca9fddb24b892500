"""The other end of the handshake: a peer that we control and that records everything."""
