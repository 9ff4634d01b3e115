"""What the page shows of clips, and lets one hear."""
