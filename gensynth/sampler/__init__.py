"""Where synthetic examples come from: one verb over one hook."""

SAMPLER = ".sampler"
"""End of the name of a file in which a fitted sampler is kept."""
