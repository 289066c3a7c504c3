"""Names of renditions, and what each part of a name asks for."""
