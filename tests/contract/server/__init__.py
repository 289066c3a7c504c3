"""An in-memory stand-in for Supabase's storage server that answers as the real one was recorded."""

from __future__ import annotations

from tests.contract.server.policies import USER_A, USER_B, Policy, Question, own_folder
from tests.contract.server.running import ContractServer

__all__ = ["USER_A", "USER_B", "ContractServer", "Policy", "Question", "own_folder"]
