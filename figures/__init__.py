"""Figures made from the public API alone: one script each, its picture beside it."""
