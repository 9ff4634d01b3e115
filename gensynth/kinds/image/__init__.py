"""Images: folders and arrays of them, and what only images can know."""
