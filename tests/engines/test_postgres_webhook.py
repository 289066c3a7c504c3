"""The webhook's triggers in a real PostgreSQL: what they send is what the gateway reads."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.errors import UpstreamUnavailable
from gateway.supabase.events import Change, database_event
from gateway.survey.installing import install
from gateway.survey.triggers import Telling
from tests.contract.server import ContractServer

pytestmark = pytest.mark.engines

TELLING = Telling("https://docs.example.org", "hook'\\secret-of-the-tests")
KEY = "a'b/c (1).pdf"
KEY_SQL = "'a''b/c (1).pdf'"

# Tables as in Supabase, which belong to the storage server and not to who makes the triggers.
STORAGE = """
create schema storage authorization storage_admin;
set role storage_admin;
create table storage.buckets (
  id text primary key, name text, owner uuid, public boolean default false,
  created_at timestamptz default now(), updated_at timestamptz default now());
create table storage.objects (
  id uuid primary key default gen_random_uuid(),
  bucket_id text references storage.buckets (id), name text, owner uuid, owner_id text,
  created_at timestamptz default now(), updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(), metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  version text, user_metadata jsonb, unique (bucket_id, name));
grant usage on schema storage to customer, app_user;
grant all on storage.buckets, storage.objects to customer, app_user;
reset role;
create table public.sent (id serial primary key, url text, headers jsonb, body jsonb);
"""
PG_NET = """
create schema net; grant usage on schema net to customer;
create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
    headers jsonb default '{}', timeout_milliseconds integer default 5000) returns bigint
  language sql security definer as $$
    insert into public.sent (url, headers, body) values (url, headers, body) returning id::bigint
  $$;
"""
# The body that Supabase's own function makes, by its arguments: address, method, fields, params.
SUPABASE_FUNCTIONS = """
create schema supabase_functions; grant usage on schema supabase_functions to customer;
create function supabase_functions.http_request() returns trigger
  language plpgsql security definer as $$
begin
  if tg_argv[1] <> 'POST' or tg_argv[3]::jsonb <> '{}' or tg_argv[4]::integer < 1000 then
    raise exception 'arguments';
  end if;
  insert into public.sent (url, headers, body) values (tg_argv[0], tg_argv[2]::jsonb,
    jsonb_build_object('old_record', old, 'record', new, 'type', tg_op,
      'table', tg_table_name, 'schema', tg_table_schema));
  return new;
end $$;
"""
SWITCHES_OFF = """
create function public.off() returns event_trigger language plpgsql security definer as $$
begin
  alter table storage.objects disable trigger ostiary_objects;
exception when undefined_object then null;
end $$;
create event trigger off on ddl_command_end when tag in ('CREATE TRIGGER')
  execute function public.off();
"""
KINDS = {"pg_net": PG_NET, "supabase_functions": SUPABASE_FUNCTIONS}


def programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    return found[-1].parent


def as_postgres() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if not os.getuid() else {}


class Database:
    """A cluster of its own, spoken to over a socket in its folder; each test gets a database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def address(self, name: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{name}?host={self.folder}"

    def roles(self) -> None:
        """Who owns storage, who has the project, and whom its users act as."""
        self.run("postgres", "create role storage_admin; create role customer login")
        self.run("postgres", "create role app_user login")

    def make(self, *scripts: str) -> Project:
        """A new database with what the scripts make."""
        self._made += 1
        name = f"project_{self._made}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
            connection.execute(f"grant create on database {name} to customer".encode())
        for script in scripts:
            self.run(name, script)
        return Project(self, name)

    def run(self, name: str, script: str, user: str = "postgres") -> list[Any]:
        with psycopg.connect(self.address(name, user)) as connection:
            found = connection.execute(script.encode())
            return found.fetchall() if found.description else []


class Project:
    """One database, as a project has it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name

    @property
    def address(self) -> str:
        """For whom the project belongs to, who owns none of the tables."""
        return self._database.address(self._name, "customer")

    def run(self, script: str, user: str = "app_user") -> list[Any]:
        return self._database.run(self._name, script, user)

    def triggers(self) -> list[str]:
        asked = "select tgname from pg_trigger where tgname like 'ostiary%' order by 1"
        return [name for (name,) in self.run(asked)]

    def sent(self) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
        """What was posted since the last look: address, fields, body."""
        asked = "with gone as (delete from public.sent returning *) select url, headers, body"
        return self.run(f"{asked} from gone order by id", "postgres")

    def told(self) -> list[tuple[Change, ...]]:
        """The changes that the gateway reads in each of them."""
        return [database_event(json.dumps(body).encode()).changes for _, _, body in self.sent()]


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Started as the user postgres where this is root, ended by its own pid."""
    programs_, user = programs(), as_postgres()
    # A socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    try:
        made = [programs_ / "initdb", "-D", folder / "data", "-U", "postgres", "-N", "-E", "UTF8"]
        subprocess.run([*made, "-A", "trust"], check=True, **quiet)
        options = ["-h", "", "-k", folder, "-c", "fsync=off", "-c", "max_connections=20"]
        started = [programs_ / "postgres", "-D", folder / "data", *options]
        process = subprocess.Popen(started, **quiet)
        try:
            database = Database(folder)
            within(60, lambda: answers(database), "PostgreSQL answers")
            database.roles()
            yield database
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answers(database: Database) -> bool:
    try:
        return bool(database.run("postgres", "select 1"))
    except psycopg.OperationalError:
        return False


def within(seconds: float, holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.05)


@pytest.fixture(params=KINDS)
def project(database: Database, request: pytest.FixtureRequest) -> Project:
    """A project with one of the two ways to post, and the triggers installed."""
    project = database.make(STORAGE, KINDS[request.param])
    install(project.address, TELLING)
    return project


BUCKET = "insert into storage.buckets (id, name, public) values ('pub', 'pub', true)"
UPLOAD = f"""
insert into storage.objects (bucket_id, name, version) values ('pub', {KEY_SQL}, 'v1')
on conflict (bucket_id, name) do update set version = 'v2', updated_at = now()
"""


def test_each_write_is_told_in_words_that_the_gateway_reads(project: Project) -> None:
    project.run(BUCKET)
    assert project.told() == []

    project.run(UPLOAD)
    [[new]] = project.told()
    assert (new.bucket, new.key, new.hard, new.version) == ("pub", KEY, False, "v1")
    assert abs(new.at - time.time()) < 600

    project.run(UPLOAD)
    [[newer]] = project.told()
    assert (newer.key, newer.version) == (KEY, "v2")
    assert newer.at > new.at

    project.run("update storage.objects set name = 'moved.pdf', version = 'v3'")
    [[there, gone]] = project.told()
    assert (there.key, there.hard, there.version) == ("moved.pdf", False, "v3")
    assert (gone.key, gone.hard) == (KEY, True)

    project.run("delete from storage.objects")
    assert project.told() == [(Change("pub", "moved.pdf", hard=True),)]


def test_a_bucket_that_turns_private_is_told(project: Project) -> None:
    project.run(BUCKET)
    project.run("update storage.buckets set public = false")
    assert project.told() == [(Change("pub", hard=True),)]
    project.run("delete from storage.buckets")
    assert project.told() == [(Change("pub", hard=True),)]


def test_a_call_goes_to_the_hook_with_the_secret(project: Project) -> None:
    project.run(BUCKET)
    project.run(UPLOAD)
    [(url, fields, _)] = project.sent()
    assert url == "https://docs.example.org/hooks/database"
    assert fields == {"Content-Type": "application/json", "X-Ostiary-Secret": TELLING.secret}


def test_a_change_that_is_taken_back_is_not_told(project: Project) -> None:
    project.run(BUCKET)
    with pytest.raises(psycopg.errors.DivisionByZero):
        project.run(f"begin; {UPLOAD}; select 1 / 0")
    assert project.told() == []


def test_installing_again_changes_the_address_and_adds_nothing(project: Project) -> None:
    install(project.address, Telling("https://new.example.org", "another-secret-of-tests"))
    assert project.triggers() == ["ostiary_buckets", "ostiary_objects"]
    project.run(BUCKET)
    project.run(UPLOAD)
    [(url, fields, _)] = project.sent()
    assert url == "https://new.example.org/hooks/database"
    assert fields["X-Ostiary-Secret"] == "another-secret-of-tests"


@pytest.mark.parametrize(
    ("scripts", "function"),
    [
        ([PG_NET], "ostiary.tell"),
        ([SUPABASE_FUNCTIONS], "supabase_functions.http_request"),
        ([PG_NET, SUPABASE_FUNCTIONS], "supabase_functions.http_request"),
    ],
)
def test_the_way_of_posting_is_told(database: Database, scripts: list[str], function: str) -> None:
    assert install(database.make(STORAGE, *scripts).address, TELLING) == function


def test_an_upload_succeeds_when_posting_fails(database: Database) -> None:
    project = database.make(STORAGE, PG_NET)
    install(project.address, TELLING)
    project.run("drop table public.sent", "postgres")
    project.run(BUCKET)
    project.run(UPLOAD)
    assert project.run("select version from storage.objects") == [("v1",)]


def test_without_a_way_of_posting_nothing_is_installed(database: Database) -> None:
    project = database.make(STORAGE)
    with pytest.raises(UpstreamUnavailable, match="no database webhooks"):
        install(project.address, TELLING)
    assert project.triggers() == []
    assert project.run("select from pg_namespace where nspname = 'ostiary'") == []


def test_the_sql_to_paste_is_refused_until_the_secret_is_in_it(database: Database) -> None:
    project = database.make(STORAGE, PG_NET)
    shown = Telling("https://docs.example.org")
    with pytest.raises(psycopg.errors.RaiseException, match="webhook_secret"):
        project.run(shown.sql, "customer")
    project.run(shown.sql.replace("<webhook_secret>", "pasted-secret"), "customer")
    project.run(BUCKET)
    project.run(UPLOAD)
    [(_, fields, _)] = project.sent()
    assert fields["X-Ostiary-Secret"] == "pasted-secret"


def test_who_may_make_no_triggers_is_told_so(database: Database) -> None:
    project = database.make(STORAGE, PG_NET)
    project.run("revoke trigger on storage.objects from customer", "postgres")
    with pytest.raises(UpstreamUnavailable, match="permission denied"):
        install(project.address, TELLING)
    assert project.triggers() == []


def test_a_trigger_that_is_switched_off_is_no_trigger(database: Database) -> None:
    """As a project may have it that forbids new ones by an event trigger."""
    project = database.make(STORAGE, PG_NET, SWITCHES_OFF)
    with pytest.raises(UpstreamUnavailable, match="not there"):
        install(project.address, TELLING)
    assert project.triggers() == []


@pytest.mark.parametrize("address", ["postgresql://u:hidden@127.0.0.1:1/x", "hidden nonsense"])
def test_no_word_of_the_address_is_told_when_nobody_answers(address: str) -> None:
    with pytest.raises(UpstreamUnavailable) as caught:
        install(address, TELLING)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_connect_installs_the_webhook_with_the_secret_that_it_writes(
    database: Database, tmp_path: Path
) -> None:
    project = database.make(STORAGE, PG_NET)
    with ContractServer() as server:
        said = connect(tmp_path, project.address, server)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["rung"] == "webhook"
    written = tomllib.loads((tmp_path / "ostiary.toml").read_text())
    project.run(BUCKET)
    project.run(UPLOAD)
    [(_, fields, _)] = project.sent()
    assert fields["X-Ostiary-Secret"] == written["supabase"]["webhook_secret"]
    assert fields["X-Ostiary-Secret"] not in said.stdout + said.stderr


def test_connect_writes_nothing_when_the_webhook_can_not_be_installed(
    database: Database, tmp_path: Path
) -> None:
    project = database.make(STORAGE)
    with ContractServer() as server:
        said = connect(tmp_path, project.address, server)
    assert said.returncode == 1
    assert "OSTIARY_CONNECT_DATABASE_URL" in said.stderr
    assert list(tmp_path.iterdir()) == []


def connect(folder: Path, address: str, server: ContractServer) -> subprocess.CompletedProcess[str]:
    options = ["--supabase-url", server.url, "--gateway-url", TELLING.gateway_url, "--json"]
    return subprocess.run(
        [sys.executable, "-m", "gateway", "connect", *options],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SUPABASE_SECRET_KEY": server.service,
            "OSTIARY_CONNECT_DATABASE_URL": address,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
