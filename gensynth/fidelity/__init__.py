"""The fidelity gate: which synthetic examples are good enough, and why."""
