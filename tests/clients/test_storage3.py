"""storage3, unchanged: its calls at the stand-in, and the same through the gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from storage3 import SyncStorageClient, create_client
from storage3.exceptions import StorageApiError

from tests.clients.comparing import settled, unforeseen

PDF = b"%PDF-1.4\n" + b"pdf " * 10_000


class Telling:
    """Calls as two users and nobody, and what each gave."""

    def __init__(self, parties: dict[str, str]) -> None:
        self.told: dict[str, Any] = {}
        self._parties = parties
        self.folder = parties["folder"]
        self.awkward = f"{self.folder}/py b+c (1).txt"

    def client(self, who: str) -> SyncStorageClient:
        fields = {"apikey": self._parties["apikey"], "Authorization": f"Bearer {who}"}
        return create_client(self._parties["base"] + "/", fields, is_async=False)

    def tell(self, name: str, call: Callable[[], Any]) -> Any:
        try:
            given = call()
        except StorageApiError as error:
            given = {"status": error.status, "code": error.code, "message": error.message}
        self.told[name] = seen(given)
        return given

    def open(self, name: str, url: str) -> None:
        answer = httpx.get(url)
        self.told[name] = {
            "status": answer.status_code,
            "type": answer.headers.get("content-type"),
            "disposition": answer.headers.get("content-disposition"),
            "body": seen(answer.content),
        }

    def all(self) -> dict[str, Any]:
        parties = self._parties
        with self.client(parties["owner"]) as mine, self.client(parties["other"]) as theirs:
            self.write(mine.from_("documents"))
            self.read(mine.from_("documents"), theirs.from_("documents"))
            self.sign(mine.from_("documents"), theirs.from_("documents"))
            self.publish(mine.from_("pub"))
            self.remove(mine.from_("documents"))
        return self.told

    def write(self, mine: Any) -> None:
        folder, awkward = self.folder, self.awkward
        kind = {"content-type": "application/pdf"}
        self.tell("upload", lambda: mine.upload(f"{folder}/py.pdf", PDF, kind))
        self.tell("upload twice", lambda: mine.upload(f"{folder}/py.pdf", PDF, kind))
        text = {"content-type": "text/plain", "upsert": "true"}
        self.tell("upsert", lambda: mine.upload(awkward, b"awkward but legal", text))
        self.tell("update", lambda: mine.update(awkward, b"awkward, legal", text))
        self.tell("copy", lambda: mine.copy(awkward, f"{folder}/py copy.txt"))
        self.tell("move", lambda: mine.move(f"{folder}/py copy.txt", f"{folder}/py moved.txt"))
        key = f"{folder}/py signed.txt"
        room = self.tell("create_signed_upload_url", lambda: mine.create_signed_upload_url(key))
        token = room["token"]
        self.tell("upload_to_signed_url", lambda: mine.upload_to_signed_url(key, token, b"signed"))

    def read(self, mine: Any, theirs: Any) -> None:
        folder, awkward = self.folder, self.awkward
        small = {"transform": {"width": 20}}
        self.tell("download", lambda: mine.download(awkward))
        self.tell("download transformed", lambda: mine.download(f"{folder}/scan.png", small)[:4])
        self.tell("download of another's", lambda: theirs.download(awkward))
        self.tell("download of nothing", lambda: mine.download(f"{folder}/none"))
        self.tell("info", lambda: mine.info(awkward))
        self.tell("exists", lambda: mine.exists(awkward))
        self.tell("exists not", lambda: mine.exists(f"{folder}/none"))
        self.tell("list", lambda: mine.list(folder))
        self.tell("list_v2", lambda: mine.list_v2({"prefix": folder, "limit": 1}))

    def sign(self, mine: Any, theirs: Any) -> None:
        folder, awkward = self.folder, self.awkward
        for name, key, options in (
            ("create_signed_url", awkward, {}),
            ("create_signed_url download", awkward, {"download": True}),
            ("create_signed_url download as", awkward, {"download": "my notes.txt"}),
            ("create_signed_url transformed", f"{folder}/scan.png", {"transform": {"width": 20}}),
        ):
            signed = self.tell(name, lambda k=key, o=options: mine.create_signed_url(k, 600, o))
            self.open(f"{name}, opened", signed["signedURL"])
        keys = [awkward, f"{folder}/py.pdf", f"{folder}/none"]
        many = self.tell("create_signed_urls", lambda: mine.create_signed_urls(keys, 600))
        for at, one in enumerate(many[:2]):
            self.open(f"create_signed_urls {at}, opened", one["signedURL"])
        self.tell("create_signed_url of another's", lambda: theirs.create_signed_url(awkward, 60))
        self.tell("create_signed_url for no time", lambda: mine.create_signed_url(awkward, 0))

    def publish(self, opened: Any) -> None:
        for name, key, options in (
            ("get_public_url", "img/logo.png", {}),
            ("get_public_url with spaces", "my docs/a b+c (1).txt", {}),
            ("get_public_url transformed", "img/logo.png", {"transform": {"width": 20}}),
        ):
            url = self.tell(name, lambda k=key, o=options: opened.get_public_url(k, o))
            self.open(f"{name}, opened", url)

    def remove(self, mine: Any) -> None:
        self.tell("remove", lambda: mine.remove([self.awkward]))
        self.tell("download of the removed", lambda: mine.download(self.awkward))


def seen(given: Any) -> Any:
    """A given value as JSON has it; octets by their hash."""
    if isinstance(given, bytes):
        return {"size": len(given), "digest": hashlib.sha256(given).hexdigest()}
    if isinstance(given, list):
        return [seen(one) for one in given]
    if isinstance(given, BaseModel):
        return given.model_dump(mode="json")
    if isinstance(given, dict):
        return {name: seen(value) for name, value in given.items()}
    return vars(given) if hasattr(given, "__dict__") else given


@pytest.fixture(scope="module")
def plain(direct: Any) -> Any:
    return settled(Telling(direct.parties).all(), direct.storage)


@pytest.fixture(scope="module")
def gated(through: Any) -> Any:
    return settled(Telling(through.parties).all(), through.storage)


def test_what_a_signed_url_opens_is_what_a_download_gives(plain: Any) -> None:
    opened = plain["create_signed_url, opened"]
    assert (opened["status"], opened["body"]) == (200, plain["download"])
    assert plain["create_signed_urls 0, opened"]["body"] == plain["download"]


def test_another_user_is_denied_at_the_stand_in(plain: Any) -> None:
    for name in ("download of another's", "create_signed_url of another's"):
        assert plain[name]["status"] == "404"


def test_the_client_gives_an_app_the_same_through_the_gateway(plain: Any, gated: Any) -> None:
    assert unforeseen(plain, gated) == {}


@pytest.fixture
def mine_and_theirs(through: Any) -> Iterator[tuple[Any, Any]]:
    telling = Telling(through.parties)
    with (
        telling.client(through.parties["owner"]) as mine,
        telling.client(through.parties["other"]) as theirs,
    ):
        yield mine.from_("documents"), theirs.from_("documents")


def test_two_users_of_one_document_get_one_url(mine_and_theirs: Any, through: Any) -> None:
    mine, theirs = mine_and_theirs
    through.upstream.put("documents", "shared/plan.pdf", PDF)
    first = mine.create_signed_url("shared/plan.pdf", 86_400)["signedURL"]
    assert theirs.create_signed_url("shared/plan.pdf", 86_400)["signedURL"] == first


def test_many_are_signed_by_one_question_to_supabase(mine_and_theirs: Any, through: Any) -> None:
    mine, _ = mine_and_theirs
    keys = [f"{through.parties['folder']}/many/{number}.pdf" for number in range(20)]
    for key in keys:
        through.upstream.put("documents", key, PDF)
    through.upstream.requests.clear()
    answers = mine.create_signed_urls(keys, 600)
    assert all("token=1." in one["signedURL"] for one in answers)
    assert [one.path for one in through.upstream.requests] == ["/storage/v1/object/sign/documents"]
