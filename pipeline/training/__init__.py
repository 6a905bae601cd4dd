"""One plain loop that trains an adapter and its head."""
