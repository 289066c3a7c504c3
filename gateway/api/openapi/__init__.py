"""OpenAPI: the description of the API for machines (OpenAPI 3.1)."""

from gateway.api.openapi.description import describe

__all__ = ["describe"]
