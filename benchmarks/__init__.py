"""What is claimed to be fast, measured as ratios in one run: `python -m benchmarks [--quick] [NAME ...]`."""
