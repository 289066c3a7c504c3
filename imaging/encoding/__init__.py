"""Encodings: written, predicted, judged and improved."""
