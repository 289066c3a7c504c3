"""`[stores.NAME]`: a place where documents are."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from gateway.settings.addresses import Credentials, StoreAddress, parse_address
from gateway.settings.table import Secret, Table, Unfit


class StoreSettings(Table):
    """One store. The pair of keys stands before `url`, which is judged with them."""

    access_key: str = Field(
        default="", description="S3 access key; without it the AWS_* environment is asked."
    )
    secret_key: Secret = Field(
        default=Secret(""), validate_default=True, description="S3 secret key, beside `access_key`."
    )
    url: str = Field(
        description="`file:///srv/documents`: each folder below it is a bucket. "
        "`s3:?endpoint=…&region=…`: S3 buckets of the same names. "
        "`s3://NAME/prefix?endpoint=…&region=…`: the buckets are folders below a prefix of one "
        "S3 bucket. `memory:`: nothing outlives the process. An endpoint is spoken to without "
        "TLS only if it says http."
    )

    @field_validator("secret_key")
    @classmethod
    def _both_or_none(cls, secret_key: Secret, info: ValidationInfo) -> Secret:
        if bool(info.data.get("access_key")) != bool(secret_key.get_secret_value()):
            raise Unfit("and access_key go together", "give both or none")
        return secret_key

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str, info: ValidationInfo) -> str:
        parse_address(url, _credentials(info.data.get("access_key"), info.data.get("secret_key")))
        return url

    @property
    def address(self) -> StoreAddress:
        """The parsed `url` with its credentials."""
        return parse_address(self.url, _credentials(self.access_key, self.secret_key))


def _credentials(access_key: str | None, secret_key: Secret | None) -> Credentials:
    secret = secret_key.get_secret_value() if secret_key else ""
    return Credentials(access_key or "", secret)
