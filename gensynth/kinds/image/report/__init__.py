"""Sections of the page that show images."""
