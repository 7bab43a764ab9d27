"""Inverting an operator: all least squares solutions by singular vectors, or one at a time without them."""
