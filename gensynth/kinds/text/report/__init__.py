"""What the page shows of documents."""
