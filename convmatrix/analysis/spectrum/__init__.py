"""Singular values of any operator: exactly by frequencies and structure, densely, or some of them by Lanczos."""
