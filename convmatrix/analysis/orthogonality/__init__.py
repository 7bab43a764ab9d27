"""How far an operator is from an isometry: its Gram matrix beside the identity, lag by lag."""
