"""Samplers of documents: one class a file, found by looking."""
