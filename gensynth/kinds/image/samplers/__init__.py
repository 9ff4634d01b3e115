"""Samplers of images."""
