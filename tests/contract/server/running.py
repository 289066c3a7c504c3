"""The stand-in as tests start it: an ASGI application, or a server on a free port."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn

from tests.contract.server.app import Contract
from tests.contract.server.asks import Ask
from tests.contract.server.desk import SERVICE, Backend, Desk
from tests.contract.server.events import Events
from tests.contract.server.faults import Faults
from tests.contract.server.objects import Shelf, StoredObject, Write
from tests.contract.server.policies import USER_A, USER_B, Policy, own_folder
from tests.contract.server.tokens import FAR, SECRET, Keys

ISSUED = 1_795_383_197
PUBLISHABLE, SECRET_KEY = "sb_publishable_contract", "sb_secret_contract"
S3_ACCESS_KEY, S3_SECRET_KEY = "contract-access-key", "contract-secret-key"


class ContractServer:
    """One stand-in with its two users, the private bucket `documents` and the public one `pub`.

    `app` answers at once, for `httpx.ASGITransport`; `start` serves it on a free port of
    127.0.0.1. `policy` is row-level security, `backend` whose quirks are shown.
    """

    def __init__(
        self,
        *,
        policy: Policy = own_folder,
        backend: Backend = "file",
        clock: Callable[[], float] = time.time,
        algorithm: str = "",
    ) -> None:
        self.keys = Keys(SECRET, clock)
        self.kid = self.keys.publish(algorithm) if algorithm else ""
        self.shelf = Shelf(clock)
        self.events = Events(clock)
        desk = Desk(self.keys, self.shelf, self.events, policy, backend, clock)
        front_keys = {PUBLISHABLE: self.anon, SECRET_KEY: self.service}
        self.app = Contract(desk, Faults(), deque(maxlen=10_000), front_keys)
        desk.s3_secrets = {
            S3_ACCESS_KEY: S3_SECRET_KEY,
            desk.reference: self.anon,
        }
        self.shelf.add_bucket("pub", public=True)
        self.shelf.add_bucket("documents")
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread()
        self.url = ""

    @property
    def jwt_secret(self) -> str:
        return self.keys.secret

    @property
    def user_a(self) -> str:
        return self.token(USER_A)

    @property
    def user_b(self) -> str:
        return self.token(USER_B)

    @property
    def anon(self) -> str:
        return self.keys.user_token(_project("anon"))

    @property
    def service(self) -> str:
        return self.keys.user_token(_project(SERVICE))

    @property
    def policy(self) -> Policy:
        return self.app.desk.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self.app.desk.policy = policy

    @property
    def requests(self) -> deque[Ask]:
        return self.app.requests

    @property
    def faults(self) -> Faults:
        return self.app.faults

    def token(self, subject: str, claims: Mapping[str, Any] | None = None, kid: str = "") -> str:
        """A user's JWT as the auth server issues it; by a published key when `kid` names one."""
        whole = {
            "aud": "authenticated",
            "sub": subject,
            "role": "authenticated",
            "iss": "http://127.0.0.1/auth/v1",
            "iat": ISSUED,
            "exp": FAR,
        }
        return self.keys.user_token({**whole, **(claims or {})}, kid)

    def fields(self, token: str = "") -> dict[str, str]:
        """The credential fields of a client: Authorization of the user, apikey of the project."""
        return {"authorization": f"Bearer {token or self.anon}", "apikey": self.anon}

    def put(
        self,
        bucket: str,
        key: str,
        body: bytes,
        media_type: str = "application/pdf",
        cache_control: str = "max-age=3600",
    ) -> StoredObject:
        """Keep an object without telling anybody of it."""
        return self.shelf.put(bucket, key, Write(body, media_type, cache_control))

    def publish(self, bucket: str, public: bool) -> None:
        """Make a bucket public or private without telling anybody of it."""
        self.shelf.bucket(bucket).public = public

    def think(self, milliseconds: float) -> None:
        """Let every answer take so much longer."""
        self.app.think = milliseconds / 1000

    def start(self, port: int = 0) -> ContractServer:
        """Serve in a thread; returns when connections are taken."""
        listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = self._server = uvicorn.Server(configured(self.app))
        self._thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the contract server did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """End the thread; whoever is still connected is cut off."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join(10)
            self._server = None
        self.events.close()

    def __enter__(self) -> ContractServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def configured(app: Contract) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False
    )


def _project(role: str) -> dict[str, Any]:
    return {"role": role, "iss": "supabase", "iat": ISSUED + 10, "exp": FAR}
