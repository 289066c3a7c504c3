"""Progress: a purge answered with how far it is, at once or after a wait."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cdn.purge import PurgeState
from gateway.api.answers import purge_answer
from gateway.purges import Purges
from gateway.state.receipts import PurgeStatus

LONGEST_WAIT = 30
# RFC 7240 section 2: names have no case, and a value may be quoted.
_WAIT = re.compile(r'(?:^|[,;\s])wait=("?)([0-9]{1,9})\1(?:$|[,;\s])', re.ASCII | re.IGNORECASE)


async def told(request: Request, purges: Purges, status: PurgeStatus) -> Response:
    """The answer of a call that asked for a purge; it waits as the call prefers (RFC 7240)."""
    wait = _WAIT.search(",".join(request.headers.getlist("prefer")))
    fields = {"Location": f"/admin/purges/{status.id}"}
    if wait:
        seconds = min(int(wait[2]), LONGEST_WAIT)
        fields["Preference-Applied"] = f"wait={seconds}"
        status = await purges.wait(status.id, seconds) or status
    code = 202 if status.state is PurgeState.QUEUED else 200
    return JSONResponse(purge_answer(status), code, headers=fields)
