"""The gateway: documents, stores, state and HTTP, joined to signing, imaging and cdn."""
