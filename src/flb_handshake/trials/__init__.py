"""A user's own inputs and outputs, played: what they deliver, and what they let through."""
