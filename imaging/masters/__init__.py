"""Masters: pictures of pages that are slow to decode, from which smaller ones are made."""
