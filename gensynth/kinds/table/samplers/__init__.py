"""Samplers of tables: one class a file, found by looking."""
