"""Did it help? Classifiers with and without synthetic examples, tested on held-out real ones."""
