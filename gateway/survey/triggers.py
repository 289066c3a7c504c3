"""Triggers: the SQL that makes a project's database tell the gateway of every change in storage.

`create or replace` takes the right to make triggers on a table, which Supabase gives its users;
dropping one would take its owner. Whatever may be done twice is done twice to the same end.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

TABLES = ("objects", "buckets")
PLACEHOLDER = "<webhook_secret>"
"""Stands for the secret in SQL that is shown; the database refuses it."""

# In the words of PostgreSQL: a body, a target and fields that it is sent with.
_SQL = """\
-- Tell Ostiary of each change of storage.objects and storage.buckets. May be run again.
do $ostiary$
declare
  target constant text := {target};
  fields constant text := {fields};
  told text;
begin
  if position('<webhook' in fields) > 0 then
    raise exception 'first put the webhook_secret of ostiary.toml into this text';
  elsif to_regprocedure('supabase_functions.http_request()') is not null then
    told := format('supabase_functions.http_request(%L, %L, %L, %L, %L)',
                   target, 'POST', fields, '{{}}', '5000');
  elsif exists (select from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
                where nspname = 'net' and proname = 'http_post') then
    create schema if not exists ostiary;
    create or replace function ostiary.tell() returns trigger
      language plpgsql security definer set search_path = '' as $tell$
    begin
      perform net.http_post(
        url := tg_argv[0],
        headers := tg_argv[1]::jsonb,
        timeout_milliseconds := 5000,
        body := jsonb_build_object(
          'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema,
          'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
          'old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end));
      return null;
    exception when others then
      -- A hint that is lost costs seconds; an upload that fails costs more.
      raise warning 'ostiary was not told: %', sqlstate;
      return null;
    end $tell$;
    revoke all on function ostiary.tell() from public;
    told := format('ostiary.tell(%L, %L)', target, fields);
  else
    raise exception 'there are no database webhooks: neither supabase_functions nor pg_net'
      using hint = 'switch Database Webhooks on in the dashboard, or: create extension pg_net';
  end if;
  execute 'create or replace trigger ostiary_objects after insert or update or delete '
    'on storage.objects for each row execute function ' || told;
  execute 'create or replace trigger ostiary_buckets after update or delete '
    'on storage.buckets for each row execute function ' || told;
end $ostiary$;
"""

READ_BACK = """\
select relname::text, pg_get_triggerdef(pg_trigger.oid)
from pg_trigger join pg_class on pg_class.oid = tgrelid
join pg_namespace on pg_namespace.oid = relnamespace
where nspname = 'storage' and tgname = 'ostiary_' || relname and tgenabled in ('O', 'A')
"""
"""Asks the catalogue for the triggers that are there and switched on: table and definition."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Where the database tells of changes, and the secret that proves it.

    `gateway_url` is scheme and host[:port] of the gateway, as Supabase reaches it.
    """

    gateway_url: str
    secret: str = field(default=PLACEHOLDER, repr=False)

    @property
    def target(self) -> str:
        """The address of the hook."""
        return f"{self.gateway_url}/hooks/database"

    @property
    def sql(self) -> str:
        """One statement that makes both triggers or, where anything is missing, none."""
        fields = {"Content-Type": "application/json", "X-Ostiary-Secret": self.secret}
        return _SQL.format(target=_literal(self.target), fields=_literal(json.dumps(fields)))


def _literal(text: str) -> str:
    """A text as SQL spells it, whatever standard_conforming_strings says."""
    quoted = text.replace("'", "''")
    return "E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"
