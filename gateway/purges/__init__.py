"""Purges: asked for in the transaction of the change that needs them, then worked off."""

from gateway.purges.named import Address, PurgeRequest
from gateway.purges.pacing import Pacing
from gateway.purges.refreshes import Refreshes
from gateway.purges.requests import Purges
from gateway.purges.traces import PurgeTraces
from gateway.purges.worker import PurgeWorker

__all__ = ["Address", "Pacing", "PurgeRequest", "PurgeTraces", "PurgeWorker", "Purges", "Refreshes"]
