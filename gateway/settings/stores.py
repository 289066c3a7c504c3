"""`[stores.NAME]`: a place where documents are."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from gateway.settings.addresses import SUPABASE, Credentials, StoreAddress, parse_address
from gateway.settings.supabase import SupabaseSettings
from gateway.settings.table import Secret, Table, Unfit


class StoreSettings(Table):
    """One store. The pair of keys stands before `url`, which is judged with them."""

    access_key: str = Field(
        default="", description="S3 access key; without it the AWS_* environment is asked."
    )
    secret_key: Secret = Field(
        default=Secret(""), validate_default=True, description="S3 secret key, beside `access_key`."
    )
    s3_access_key: str = Field(
        default="",
        description="For `supabase:`: an access key of its S3 endpoint, which then gives the "
        "bytes instead of REST and the service key.",
    )
    s3_secret_key: Secret = Field(
        default=Secret(""),
        validate_default=True,
        description="For `supabase:`: the secret beside `s3_access_key`.",
    )
    s3_region: str = Field(
        default="", description="For `supabase:`: the region that its S3 endpoint signs with."
    )
    url: str = Field(
        description="`file:///srv/documents`: each folder below it is a bucket. "
        "`s3:?endpoint=…&region=…`: S3 buckets of the same names. "
        "`s3://NAME/prefix?endpoint=…&region=…`: the buckets are folders below a prefix of one "
        "S3 bucket. `supabase:`: the project of `[supabase]`. `memory:`: nothing outlives the "
        "process. An endpoint is spoken to without "
        "TLS only if it says http."
    )

    @field_validator("secret_key")
    @classmethod
    def _both_or_none(cls, secret_key: Secret, info: ValidationInfo) -> Secret:
        if bool(info.data.get("access_key")) != bool(secret_key.get_secret_value()):
            raise Unfit("and access_key go together", "give both or none")
        return secret_key

    @field_validator("s3_secret_key")
    @classmethod
    def _both_or_none_of_supabase(cls, secret_key: Secret, info: ValidationInfo) -> Secret:
        if bool(info.data.get("s3_access_key")) != bool(secret_key.get_secret_value()):
            raise Unfit("and s3_access_key go together", "give both or none")
        return secret_key

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str, info: ValidationInfo) -> str:
        given = info.data.get
        parse_address(url, _credentials(given("access_key"), given("secret_key")))
        if url != SUPABASE and (given("s3_access_key") or given("s3_region")):
            raise Unfit("takes no s3_access_key, s3_secret_key and s3_region", "supabase: does")
        return url

    def address(self, supabase: SupabaseSettings) -> StoreAddress:
        """The parsed `url` with its credentials; `supabase:` leads to that project."""
        if not self.of_supabase:
            return parse_address(self.url, _credentials(self.access_key, self.secret_key))
        if self.s3_access_key:
            pair = _credentials(self.s3_access_key, self.s3_secret_key)
            return supabase.s3(pair, self.s3_region)
        return supabase.rest()

    @property
    def of_supabase(self) -> bool:
        """Whether its documents are those of the Supabase project, and so its users' rights."""
        return self.url == SUPABASE


def _credentials(access_key: str | None, secret_key: Secret | None) -> Credentials:
    secret = secret_key.get_secret_value() if secret_key else ""
    return Credentials(access_key or "", secret)
