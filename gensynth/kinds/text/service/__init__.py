"""Language models that are asked over the network, and what they answered."""
