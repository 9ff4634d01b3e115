"""Generators of images: their contract, and what trains them."""
