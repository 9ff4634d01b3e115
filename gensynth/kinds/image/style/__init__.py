"""Pictures in the look of others: optimised, learned, or translated."""
