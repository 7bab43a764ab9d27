"""Readers of real layers: what a framework stores, as operators."""
