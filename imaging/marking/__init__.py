"""What is drawn over a finished picture: marks and notices."""
