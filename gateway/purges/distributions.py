"""CloudFront's own client, made of the settings for the provider that calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cdn.errors import ProviderMisconfigured
from cdn.setups import Setup

if TYPE_CHECKING:
    from cdn.providers.traces import Distribution

# CloudFront has one API for the world, and it is here.
_REGION = "us-east-1"


def distribution(setup: Setup) -> Distribution:
    """boto3's client; without keys in `setup` it finds them as boto3 does, in the environment,
    the files of ~/.aws or the role of the machine.

    Raises `ProviderMisconfigured` when the extra `cloudfront` is missing.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise ProviderMisconfigured(
            f"{setup.name} needs a package that is not installed",
            hint='pip install "ostiary[cloudfront]"',
        ) from None
    # The queue tries again by itself, and knows better when.
    config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
    client = boto3.client(
        "cloudfront",
        region_name=_REGION,
        endpoint_url=setup.url or None,
        aws_access_key_id=setup.access_key or None,
        aws_secret_access_key=setup.secret or None,
        config=config,
    )
    return cast("Distribution", client)
