"""Add an adapter into the weights of its base, tensor by tensor, and write what comes of it as a model of its own."""
