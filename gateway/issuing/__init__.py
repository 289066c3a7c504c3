"""Issuing: links for those who may have them, through the ledger."""
