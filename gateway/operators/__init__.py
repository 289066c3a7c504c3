"""Operators: the routes under `/admin`, and figures and health."""
