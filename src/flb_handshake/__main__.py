"""`python -m flb_handshake` is the command flb-handshake."""

from flb_handshake.cli import main

main()
