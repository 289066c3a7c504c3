"""PDF: pages as pictures, their text, linearised copies, and what hides in them."""
