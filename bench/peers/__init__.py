"""What Ostiary is measured beside, each the way it is commonly set up."""
