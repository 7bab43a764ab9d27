"""Sources that more than one file of kernels names."""

from __future__ import annotations

BURT = "Burt & Adelson (1983), The Laplacian pyramid as a compact image code"
GONZALEZ = "Gonzalez & Woods, Digital image processing, chapters 3 and 10"
