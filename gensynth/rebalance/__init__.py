"""All steps in one resumable run."""
