"""Whole synthetic data sets, to share or to develop on: no real example in them, and what attacks find."""
