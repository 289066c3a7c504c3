"""Making: what is made of documents: found, rendered, measured, chosen and improved."""
