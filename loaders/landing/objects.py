"""Reads logs from a bucket: lists its objects, and fetches them before they are needed.

No other module knows obstore; it is imported when a path has a scheme. Credentials are looked for
where each cloud's own tools look. An error message of the storage may quote them, so only its code
is shown.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from wcmatch import glob

from loaders.errors import BucketError, DamagedFile, DaybookError, NotInstalled, StillGrowing
from loaders.landing.fetching import ahead
from loaders.limits import MB

SCHEMES = ("s3", "gs", "az")

_PAGE = 1000  # objects per listing: what one request brings
# A larger object is fetched in pieces, several at a time, so that no request stays open while
# DuckDB works.
PIECE = 8 * MB
_HANDED_ON = 1 * MB
_FLAGS = glob.GLOBSTAR | glob.CASE
_TIMEOUT = timedelta(minutes=2)  # of one request, which fetches at most one piece

_LOOK_FOR = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile in ~/.aws, the machine's role",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, gcloud's own login, the machine's account",
    "az": "AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or _SAS_TOKEN, the machine's"
    " identity",
}
_NOT_ACCEPTED = {
    "AuthenticationFailed",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "InvalidBucketName"}


@dataclass(eq=False)
class Object:
    """An object of a bucket, as it was listed."""

    bucket: "Bucket"
    key: str
    bytes: int
    modified_at: datetime  # UTC, naive, whole seconds: some storages give no fractions
    etag: str | None
    _fetched: bytes | DaybookError | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The object's full URL."""
        return f"{self.bucket.url}/{self.key}"

    def fetch(self) -> None:
        """Fetch the whole object in advance. Any error is raised later, when it is read."""
        try:
            self._fetched = self._get(range(self.bytes))
        except DaybookError as error:
            self._fetched = error

    def pieces(self) -> Iterator[bytes]:
        """Yield its bytes, in order. Raises `StillGrowing` unless it is the version listed."""
        fetched, self._fetched = self._fetched, None
        if isinstance(fetched, DaybookError):
            raise fetched
        if fetched is not None:
            yield from _cut(fetched)
            return
        ranges = (
            range(start, min(start + PIECE, self.bytes)) for start in range(0, self.bytes, PIECE)
        )
        for _, piece in ahead(ranges, self._get, len):
            yield from _cut(piece)

    def _get(self, wanted: range) -> bytes:
        whole = len(wanted) == self.bytes
        try:
            content = self.bucket.get(self.key, self.etag, None if whole else wanted)
        except FileNotFoundError as error:
            raise StillGrowing("gone since it was listed") from error
        if len(content) != len(wanted):
            raise StillGrowing("changed since it was listed; land it again")
        return content


@dataclass(frozen=True)
class Bucket:
    """A bucket, opened."""

    url: str  # scheme and name, without a last slash
    store: Any
    server: str | None  # as the environment names it

    def head(self, key: str) -> Object | None:
        """The object of exactly that name; None if there is none or it may not be read."""
        import obstore

        try:
            return self._object(obstore.head(self.store, key))
        except (FileNotFoundError, obstore.exceptions.PermissionDeniedError):
            return None  # without permission to list, S3 answers "forbidden" for a missing object
        except obstore.exceptions.BaseError as error:
            raise self._explained(error) from error

    def list(self, prefix: str) -> Iterator[Object]:
        """Yield the objects below a prefix, by name, as the listing arrives.

        Empty objects are skipped: most are folder markers, whose last slash is lost here.
        """
        import obstore

        try:
            for page in obstore.list(self.store, prefix or None, chunk_size=_PAGE):
                for each in page:
                    if each["size"]:
                        yield self._object(each)
        except (FileNotFoundError, obstore.exceptions.BaseError) as error:
            raise self._explained(error) from error

    def get(self, key: str, etag: str | None, wanted: range | None) -> bytes:
        """An object's bytes, or a range of them. Raises `FileNotFoundError` if it is missing."""
        import obstore

        options = {"if_match": etag} if etag else {}
        if wanted:
            options["range"] = (wanted.start, wanted.stop)
        try:
            return bytes(obstore.get(self.store, key, options=options).bytes())
        except obstore.exceptions.PreconditionError as error:
            raise StillGrowing("changed since it was listed; land it again") from error
        except obstore.exceptions.BaseError as error:
            status, code = _answer(error)
            if 400 <= status < 500 and status != 401 and code not in _NOT_ACCEPTED:
                why = "access denied" if code == "AccessDenied" else f"{status} {code}".strip()
                raise DamagedFile(f"cannot be read: {why}") from error
            raise self._explained(error) from error

    def _object(self, found: dict) -> Object:
        modified_at = found["last_modified"].astimezone(UTC).replace(tzinfo=None, microsecond=0)
        return Object(self, found["path"], found["size"], modified_at, found["e_tag"])

    def _explained(self, error: Exception) -> BucketError:
        import obstore

        text, (status, code), scheme = str(error), _answer(error), self.url.partition(":")[0]
        look_for = f"Daybook looks for {_LOOK_FOR[scheme]}."
        if "169.254.169.254" in text or "oken request" in text:
            return BucketError(f"{self.url}: no credentials were found. {look_for}")
        if code in _NOT_ACCEPTED or isinstance(error, obstore.exceptions.UnauthenticatedError):
            said = f" ({code})" if code else ""
            return BucketError(f"{self.url}: the credentials were not accepted{said}. {look_for}")
        if code in _NO_BUCKET or status == 404:
            return BucketError(f"{self.url}: there is no such bucket. Check its name.")
        if status == 403:
            return BucketError(
                f"{self.url}: access denied. These credentials must be allowed to list the bucket"
                " and to read its objects."
            )
        if "redirect" in text or status == 301:
            return BucketError(f"{self.url} is in another region. Name it: AWS_REGION=...")
        if isinstance(error, obstore.exceptions.InvalidPathError):
            name = re.search(r'[Pp]ath "(.*?)"', text)
            return BucketError(
                f"{self.url} holds an object that cannot be named here"
                f" ({name[1] if name else 'an odd name'}): rename it, or name a folder without it."
            )
        if status:
            return BucketError(f"{self.url}: the storage answered {status} {code}".strip() + ".")
        at = f" at {self.server}" if self.server else ""
        return BucketError(
            f"{self.url} cannot be reached{at}. What was landed before is kept; fix the connection"
            " and run the same command again."
        )


def is_url(path: str) -> bool:
    """Whether a path names something in a bucket."""
    return path.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def find(url: str, retry_seconds: float) -> Iterator[Object]:
    """The objects behind a URL: one, those below a prefix, or those that a pattern matches."""
    scheme, _, rest = url.partition("://")
    name, _, key = rest.partition("/")
    if "@" in name or ":" in name or not name:
        raise BucketError(f"A URL is {scheme}://BUCKET/PATH, without credentials or a port.")
    bucket, key = _open(scheme, name, retry_seconds), key.strip("/")
    if key and (exact := bucket.head(key)):
        yield exact
        return
    parts = key.split("/") if key else []
    fixed = next((at for at, part in enumerate(parts) if glob.is_magic(part)), len(parts))
    # A pattern that matches a folder matches everything in it.
    pattern = "/".join([*parts[fixed:], "**"])
    patterns = [pattern, pattern.removesuffix("/**")]
    for each in bucket.list("/".join(parts[:fixed])):
        below = each.key.split("/")[fixed:]
        is_hidden = any(part.startswith(".") for part in below)
        if not is_hidden and glob.globmatch(
            "/".join(below), patterns, flags=glob.GLOBSTAR | glob.CASE
        ):
            yield each


def _open(scheme: str, name: str, retry_seconds: float) -> Bucket:
    try:
        import obstore.store
    except ImportError as error:
        raise NotInstalled(
            f"{scheme}:// needs the extra s3. Where Daybook was installed from a checkout, run"
            " there: pip install '.[s3]'. From a wheel: pip install 'daybook_analytics-....whl[s3]'"
        ) from error
    options = {
        "client_options": {"timeout": _TIMEOUT},
        "retry_config": {"retry_timeout": timedelta(seconds=retry_seconds)},
    }
    endpoint = None
    try:
        if scheme == "s3":
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
            if endpoint:
                options["endpoint"] = endpoint
                options["client_options"]["allow_http"] = endpoint.startswith("http:")
            store = obstore.store.S3Store(name, **_as_aws_does(name), **options)
        elif scheme == "gs":
            store = obstore.store.GCSStore(name, **options)
        else:
            store = obstore.store.AzureStore(name, **options)
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise BucketError(
            f"{scheme}://{name} cannot be opened: its settings are incomplete or invalid. Daybook"
            f" looks for {_LOOK_FOR[scheme]}."
        ) from error
    return Bucket(f"{scheme}://{name}", store, _server(endpoint))


def _as_aws_does(bucket: str) -> dict[str, Any]:
    """The credentials (kept fresh) and the region that AWS's own library finds."""
    import boto3
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    if os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true"):
        return {}
    try:
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        if session.get_credentials():
            return {"credential_provider": Boto3CredentialProvider(session)}
        why = "no credentials were found"
    except BotoCoreError as error:
        why = f"credentials could not be obtained ({type(error).__name__})"
    raise BucketError(
        f"s3://{bucket}: {why}. Daybook looks for {_LOOK_FOR['s3']}; AWS_SKIP_SIGNATURE=true reads"
        " a public bucket without any."
    )


def _server(endpoint: str | None) -> str | None:
    """Host and port, without the name and password that a URL may carry."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] if endpoint else None


def _answer(error: Exception) -> tuple[int, str]:
    """The storage's status (0: there was no answer) and error code.

    obstore has a class for few of them, so they are read from the text of its message.
    """
    status = re.search(r"status code: (\d{3})", str(error))
    code = re.search(r"<Code>(\w+)</Code>", str(error))
    return int(status[1]) if status else 0, code[1] if code else ""


def _cut(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _HANDED_ON):
        yield content[start : start + _HANDED_ON]
