"""The only part that talks to a network, and only when asked."""
