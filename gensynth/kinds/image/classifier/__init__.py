"""The classifiers of images that tell whether synthetic ones help: small networks, or the user's own."""
