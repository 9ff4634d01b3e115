"""What images are judged by: features, copies, hashes."""
