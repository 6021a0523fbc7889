"""Signs requests to Amazon Bedrock with botocore (the extra `bedrock`).

Source: AWS, "Signature Version 4 signing process"; https://botocore.amazonaws.com
"""

import asyncio
import importlib
import re
from collections.abc import Mapping
from typing import Final, Protocol, cast

from thinkaloud.errors import ConfigurationError, ProviderError
from thinkaloud.ports.model import HttpRequest

_SERVICE: Final = "bedrock"
_REGION: Final = re.compile(r"//[a-z-]+\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
_ADVICE: Final = (
    "Amazon Bedrock needs credentials: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
)


class _Frozen(Protocol):
    access_key: str
    secret_key: str
    token: str | None


class _Credentials(Protocol):
    def get_frozen_credentials(self) -> _Frozen: ...


class _Session(Protocol):
    def get_credentials(self) -> _Credentials | None: ...


class _Request(Protocol):
    headers: Mapping[str, str]


class _Signer(Protocol):
    def add_auth(self, request: _Request) -> None: ...


class _SessionModule(Protocol):
    def Session(self, *, profile: str | None) -> _Session: ...  # noqa: N802 - botocore's name


class _CredentialsModule(Protocol):
    def Credentials(  # noqa: N802 - botocore's name
        self, access_key: str, secret_key: str, token: str | None
    ) -> _Credentials: ...


class _AuthModule(Protocol):
    def SigV4Auth(  # noqa: N802 - botocore's name
        self, credentials: _Frozen, service: str, region: str
    ) -> _Signer: ...


class _RequestModule(Protocol):
    def AWSRequest(  # noqa: N802 - botocore's name
        self, *, method: str, url: str, data: bytes, headers: Mapping[str, str]
    ) -> _Request: ...


def _botocore(name: str) -> object:
    try:
        return importlib.import_module(f"botocore.{name}")
    except ImportError as error:
        raise ConfigurationError(
            "Amazon Bedrock without AWS_BEARER_TOKEN_BEDROCK needs botocore:"
            " install thinkaloud[bedrock]."
        ) from error


class Signature:
    """Signs each request with the credentials of an AWS account."""

    def __init__(self, region: str, environment: Mapping[str, str]) -> None:
        self._region = region
        self._environment = environment
        self._auth = cast("_AuthModule", _botocore("auth"))
        self._requests = cast("_RequestModule", _botocore("awsrequest"))
        self._credentials: _Credentials | None = None

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the signature of a POST. Raises `ProviderError` if there are no credentials."""
        # In a thread, because profiles are read from files and roles from the network.
        return await asyncio.to_thread(self._signed, request, url)

    def scrub(self, text: str) -> str:
        """Return the text without the secret access key and the session token."""
        names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        for secret in (self._environment.get(name) for name in names):
            if secret:
                text = text.replace(secret, "[key]")
        return text

    def _signed(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        frozen = self._frozen()
        message = self._requests.AWSRequest(method="POST", url=url, data=request.body, headers={})
        self._auth.SigV4Auth(frozen, _SERVICE, self._region).add_auth(message)
        return dict(message.headers)

    def _frozen(self) -> _Frozen:
        try:
            if self._credentials is None:
                self._credentials = self._found()
            frozen = self._credentials.get_frozen_credentials() if self._credentials else None
        except self._errors as error:
            raise ProviderError("provider_auth", f"{_ADVICE} ({type(error).__name__})") from error
        if frozen is None:
            raise ProviderError("provider_auth", _ADVICE)
        return frozen

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        kind = cast("type[Exception]", getattr(_botocore("exceptions"), "BotoCoreError"))  # noqa: B009
        return (kind, OSError)

    def _found(self) -> _Credentials | None:
        environment = self._environment
        key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
        if key and secret:
            module = cast("_CredentialsModule", _botocore("credentials"))
            return module.Credentials(key, secret, environment.get("AWS_SESSION_TOKEN"))
        sessions = cast("_SessionModule", _botocore("session"))
        return sessions.Session(profile=environment.get("AWS_PROFILE")).get_credentials()


def connect(base_url: str, environment: Mapping[str, str]) -> Signature:
    """Return the authentication for this address. Does not read credentials yet.

    Raises `ConfigurationError` if botocore is not installed or the region is unknown.
    """
    found = _REGION.search(base_url)
    region = found[1] if found else None
    region = region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigurationError("Amazon Bedrock with a custom base_url needs AWS_REGION.")
    return Signature(region, environment)
