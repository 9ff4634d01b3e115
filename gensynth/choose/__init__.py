"""Which sampler, and how far; it may be none."""
