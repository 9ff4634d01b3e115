"""Sections of the page that show rows."""
