"""Kinds of data, a room each: what only images, or only tables, can know."""
