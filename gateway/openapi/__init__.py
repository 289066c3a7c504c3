"""OpenAPI: the description of the API for machines (OpenAPI 3.1)."""

from gateway.openapi.description import describe

__all__ = ["describe"]
