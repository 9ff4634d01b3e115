"""Samplers of clips, found by looking."""
