"""Sources of synthetic examples, one class per kind."""

SAMPLER = ".sampler"
"""End of the name of a file in which a fitted sampler of tables is kept."""
