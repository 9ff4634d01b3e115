"""Real and accepted synthetic examples joined to one data set, with a manifest that says which is which."""
