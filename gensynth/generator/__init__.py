"""Models and their training, whatever they learn: contract, loop, checkpoint."""
