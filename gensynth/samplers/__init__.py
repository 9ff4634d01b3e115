"""Sources of synthetic examples, one class per kind."""
