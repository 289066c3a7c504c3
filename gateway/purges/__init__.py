"""Purges: asked for in the transaction of the change that needs them, then worked off."""

from gateway.purges.pacing import Pacing
from gateway.purges.refreshes import Refreshes
from gateway.purges.requests import PurgeRequest, Purges
from gateway.purges.traces import PurgeTraces
from gateway.purges.worker import PurgeWorker

__all__ = ["Pacing", "PurgeRequest", "PurgeTraces", "PurgeWorker", "Purges", "Refreshes"]
