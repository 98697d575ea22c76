"""The archive's client: all that Overread ever asks of Orthanc.

Orthanc is asked for files as stored and for what its index knows. It is never
asked to decode or transcode, and no wish of a client is passed on to it: an
``Accept`` for the wrong transfer syntax can kill it.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import httpx
from orthanc_api_client import OrthancApiClient
from orthanc_api_client import exceptions as api_errors

from apps.interop.archive_log import parse_arrivals, parse_change_page
from apps.interop.dicom.charset import may_be_misread, text_of_bytes
from apps.interop.dicom.headers import read_transfer_syntax
from apps.interop.sop_classes import is_htj2k
from apps.interop.study_header import (
    PROJECTION_MODALITIES,
    Tags,
    build_study_header,
    image_ids_first,
)
from apps.interop.types import (
    ArchiveError,
    ArchiveRefused,
    ArchiveUnavailable,
    Arrivals,
    Change,
    ChangePage,
    NotInArchive,
    Origin,
    SeriesHeader,
    Statistics,
    StoreOutcome,
    StudyHeader,
    StudySummary,
)

__all__ = [
    "Archive",
    "ArchiveError",
    "ArchiveRefused",
    "ArchiveUnavailable",
    "Arrivals",
    "Change",
    "ChangePage",
    "NotInArchive",
    "Origin",
    "SeriesHeader",
    "Statistics",
    "StoreOutcome",
    "StudyHeader",
    "StudySummary",
    "orthanc_instance_id",
]

_T = TypeVar("_T")

CONNECT_TIMEOUT_S: Final = 3.0
UPLOAD_TIMEOUT_S: Final = 120.0
KEEPALIVE_S: Final = 0.5
"""Orthanc closes an idle connection after 1 s: let go of it before that."""

_PAUSES_S: Final = (0.1, 0.4)
"""Before an error of the archive's is believed."""

_TEXTS: Final = (
    ("PatientMainDicomTags", "PatientName", "0010-0010"),
    ("MainDicomTags", "StudyDescription", "0008-1030"),
    ("MainDicomTags", "ReferringPhysicianName", "0008-0090"),
)
_CHUNK: Final = 256 * 1024
_VIEWS_READ: Final = 8
_SERIES_PAGE: Final = 500


def orthanc_instance_id(
    *, patient_id: str, study_uid: str, series_uid: str, sop_uid: str
) -> str:
    """Compute Orthanc's id of an instance, without asking.

    Args:
        patient_id: Patient ID exactly as stored, with padding where it has some.
        study_uid: Study Instance UID.
        series_uid: Series Instance UID.
        sop_uid: SOP Instance UID.

    Returns:
        Five groups of eight hexadecimal digits of a SHA-1.
    """
    return _hashed(patient_id, study_uid, series_uid, sop_uid)


def orthanc_study_id(*, patient_id: str, study_uid: str) -> str:
    """Compute Orthanc's id of a study, without asking; see `orthanc_instance_id`."""
    return _hashed(patient_id, study_uid)


def _hashed(*names: str) -> str:
    text = "|".join(names)
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))


class _BoundedClient(OrthancApiClient):  # type: ignore[misc]  # the package is untyped
    """The public client, with a time limit on every request and no proxies."""

    def __init__(self, url: str, user: str, password: str, timeout_s: float) -> None:
        super().__init__(url.rstrip("/") + "/", user=user, pwd=password)
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)
        self._http_session.trust_env = False

    def get(self, endpoint: str, **kwargs: Any) -> Any:
        return self._answer(super().get, endpoint, kwargs)

    def post(self, endpoint: str, **kwargs: Any) -> Any:
        return self._answer(super().post, endpoint, kwargs)

    def put(self, endpoint: str, **kwargs: Any) -> Any:
        return self._answer(super().put, endpoint, kwargs)

    def delete(self, endpoint: str, **kwargs: Any) -> Any:
        return self._answer(super().delete, endpoint, kwargs)

    def _answer(
        self, call: Callable[..., Any], endpoint: str, kwargs: dict[str, Any]
    ) -> Any:
        answer = call(endpoint, **{"timeout": self._timeout, **kwargs})
        if answer is None:  # it swallows errors that it has no name for
            raise api_errors.ConnectionError(url=endpoint)
        return answer


class Archive:
    """One Orthanc. Safe to share between threads; close it or use ``with``."""

    def __init__(
        self, url: str, user: str, password: str, *, timeout_s: float = 15.0
    ) -> None:
        """Prepare the client; nothing is asked yet.

        Args:
            url: Base address, such as ``http://127.0.0.1:8042``.
            user: Orthanc's registered user.
            password: That user's password.
            timeout_s: Limit on one answer, in seconds.
        """
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/",
            auth=(user, password),
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=32, keepalive_expiry=KEEPALIVE_S),
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )
        self._api = _BoundedClient(url, user, password, UPLOAD_TIMEOUT_S)

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()
        self._api.close()

    def __enter__(self) -> Self:
        """Use the archive for a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of all connections at the end of the block."""
        self.close()

    # ------------------------------------------------------------ is it there

    def ping(self) -> str:
        """Ask for a sign of life.

        Returns:
            Orthanc's version.

        Raises:
            ArchiveError: When it does not answer or refuses our login.
        """
        return str(self._get_json("system").get("Version", ""))

    def statistics(self) -> Statistics:
        """Ask how much the archive holds."""
        stats = self._ask(self._api.get_statistics)
        return Statistics(
            patients=stats.patients_count,
            studies=stats.studies_count,
            series=stats.series_count,
            instances=stats.instances_count,
            disk_bytes=stats.total_disk_size,
        )

    # ------------------------------------------------------------ what arrived

    def changes(self, *, since: int, limit: int = 1000) -> ChangePage:
        """Read the change log.

        Args:
            since: Rows above this number are wanted.
            limit: At most so many rows.
        """
        answer = self._get_json("changes", {"since": since, "limit": limit})
        return parse_change_page(answer)

    def last_change_seq(self) -> int:
        """Ask for the newest number of the change log (0 for a new archive)."""
        return parse_change_page(self._get_json("changes", {"last": ""})).last

    def stable_studies(self, *, since: int, limit: int = 1000) -> Arrivals:
        """Read which studies became stable after a cursor.

        Args:
            since: The cursor of the last call, 0 at the very first.
            limit: At most so many rows of the log are read; call again while
                ``done`` is False.

        Returns:
            The studies and the new cursor. A study may be named again later,
            when more of it arrives.
        """
        cursor_row = since > 0
        first = since - 1 if cursor_row else 0
        page = self.changes(since=first, limit=limit + cursor_row)
        return parse_arrivals(page, since=since)

    def all_studies(self, *, page: int = 1000) -> Iterator[StudySummary]:
        """List every study of the archive, for the full reconcile.

        Args:
            page: Studies asked for at a time.

        Yields:
            One line a study. Studies that arrive or vanish meanwhile may be
            missed: they are in the change log or in the next reconcile.
        """
        since = 0
        while True:
            rows = self._get_json(
                "studies", {"expand": "", "since": since, "limit": page}
            )
            for row in rows:
                yield StudySummary(
                    orthanc_id=str(row["ID"]),
                    study_uid=str(
                        row.get("MainDicomTags", {}).get("StudyInstanceUID", "")
                    ),
                    last_update=str(row.get("LastUpdate", "")),
                    is_stable=bool(row.get("IsStable")),
                )
            if len(rows) < page:
                return
            since += page

    def all_study_ids(self, *, page: int = 5000) -> Iterator[str]:
        """List Orthanc's ids of all studies, ``page`` at a time."""
        since = 0
        while True:
            rows = self._get_json("studies", {"since": since, "limit": page})
            yield from (str(row) for row in rows)
            if len(rows) < page:
                return
            since += page

    def study_header(self, orthanc_id: str) -> StudyHeader:
        """Read everything needed to register a study.

        Args:
            orthanc_id: Orthanc's id of the study.

        Raises:
            NotInArchive: When the study is gone.
        """
        study = self._get_json(f"studies/{orthanc_id}")
        series = self._children(orthanc_id, "Series")
        instances = self._children(orthanc_id, "Instance")
        if not instances:
            raise NotInArchive("The study is empty or was deleted meanwhile.")
        samples = self._sample(series, instances)
        return build_study_header(
            study=self._with_real_texts(study, samples),
            series=series,
            instances=instances,
            samples=samples,
        )

    def study_uid(self, orthanc_id: str) -> str:
        """Return the Study Instance UID of a study, by Orthanc's id of it.

        Raises:
            NotInArchive: When the study is gone.
        """
        study = self._get_json(f"studies/{orthanc_id}")
        return str((study.get("MainDicomTags") or {}).get("StudyInstanceUID", ""))

    # ------------------------------------------------------------ files

    def fetch_instance(self, orthanc_id: str) -> bytes:
        """Read one DICOM file, exactly as stored."""
        return self._get(f"instances/{orthanc_id}/file").content

    def instance_md5(self, orthanc_id: str) -> str:
        """Read the MD5 of one DICOM file as stored, in hexadecimal digits."""
        return self._get(f"instances/{orthanc_id}/attachments/dicom/md5").text.strip()

    @contextmanager
    def stream_instance(self, orthanc_id: str) -> Iterator[Iterator[bytes]]:
        """Read one DICOM file, exactly as stored, in pieces.

        Args:
            orthanc_id: Orthanc's id of the instance.

        Yields:
            The pieces, at most 256 KiB each. A missing instance raises before
            the first piece.
        """
        path = f"instances/{orthanc_id}/file"
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refusal(answer.status_code, _reason(answer))
                yield answer.iter_bytes(_CHUNK)
        except httpx.TransportError as error:
            raise _unavailable(error) from error

    def upload(self, content: bytes) -> StoreOutcome:
        """Store one DICOM file.

        Args:
            content: The whole file.

        Returns:
            Whether it is new. Storing the same object again changes nothing.

        Raises:
            ArchiveRefused: When the content is no single DICOM file, or is
                compressed in a way that the archive would mislabel.
        """
        if content[:4] == b"PK\x03\x04":
            raise ArchiveRefused("This is a ZIP file, not one DICOM file.")
        if is_htj2k(read_transfer_syntax(content)):
            raise ArchiveRefused(
                "The image is compressed with HTJ2K, which the archive stores "
                "under a wrong name. Convert it to JPEG 2000 or no compression."
            )
        answer = self._post_instance(content)
        return StoreOutcome(
            status="already" if answer["Status"] == "AlreadyStored" else "stored",
            instance_id=answer["ID"],
            series_id=answer.get("ParentSeries", ""),
            study_id=answer.get("ParentStudy", ""),
        )

    def _post_instance(self, content: bytes) -> dict[str, Any]:
        """Send a file; once more when the same one was being stored just then."""

        def post() -> Any:
            return self._api.post("instances", data=content).json()

        def post_again_on_conflict() -> Any:
            try:
                return post()
            except api_errors.Conflict:
                return post()

        return cast("dict[str, Any]", self._ask(post_again_on_conflict))

    def find_study(self, study_uid: str) -> str | None:
        """Look up Orthanc's id of a study by its UID; None when not there."""
        return self._lookup(study_uid, "Study")

    def find_instance(self, sop_uid: str) -> str | None:
        """Look up Orthanc's id of an instance by its UID; None when not there."""
        return self._lookup(sop_uid, "Instance")

    def delete_study(self, orthanc_id: str) -> None:
        """Remove a study from the archive; one that is not there is no error."""
        self._ask(lambda: self._api.studies.delete(orthanc_id, ignore_errors=True))

    def delete_instance(self, orthanc_id: str) -> None:
        """Remove an instance from the archive; one that is not there is no error."""
        self._ask(lambda: self._api.instances.delete(orthanc_id, ignore_errors=True))

    def clear_change_log(self) -> None:
        """Empty the change log, as an operator may do to save space."""
        self._ask(lambda: self._api.delete("changes"))

    def modalities(self) -> tuple[str, ...]:
        """List the names of the DICOM nodes that the archive can send to."""
        return tuple(self._ask(self._api.modalities.get_all_ids))

    def send_to_modality(self, *, name: str, orthanc_ids: Sequence[str]) -> None:
        """Send objects on by C-STORE and wait for it.

        Args:
            name: One of ``modalities()``.
            orthanc_ids: Instances, series or studies.

        Raises:
            ArchiveRefused: When the other side did not take them.
        """
        self._ask_once(lambda: self._api.modalities.store(name, list(orthanc_ids)))

    # ------------------------------------------------------------ inside

    def _children(self, study_id: str, level: str) -> list[dict[str, Any]]:
        """Ask for all series or instances of a study in one request."""
        answer = self._request(
            "POST",
            "tools/bulk-content",
            json={"Resources": [study_id], "Level": level, "Metadata": True},
        )
        return cast("list[dict[str, Any]]", answer.json())

    def _sample(
        self,
        series: Sequence[Mapping[str, Any]],
        instances: Sequence[Mapping[str, Any]],
    ) -> dict[str, Tags]:
        """Read the tags of one instance a series, and of each view of a film."""
        by_series: dict[str, list[Mapping[str, Any]]] = {}
        for instance in instances:
            by_series.setdefault(str(instance["ParentSeries"]), []).append(instance)
        samples: dict[str, Tags] = {}
        for row in series:
            modality = row.get("MainDicomTags", {}).get("Modality")
            count = _VIEWS_READ if modality in PROJECTION_MODALITIES else 1
            chosen = image_ids_first(by_series.get(str(row["ID"]), []))[:count]
            for instance in chosen:
                tags = self._tags(str(instance["ID"]))
                if tags is not None:
                    samples[str(instance["ID"])] = tags
        return samples

    def _tags(self, instance_id: str) -> Tags | None:
        try:
            return cast("Tags", self._get_json(f"instances/{instance_id}/tags?short"))
        except ArchiveRefused:  # an odd file: its index entries must do
            return None

    def _with_real_texts(
        self, study: dict[str, Any], samples: Mapping[str, Tags]
    ) -> dict[str, Any]:
        """Read names again where their character set may not be the declared one.

        The archive reads text as declared, and drops what does not fit.
        """
        sample_id, tags = next(iter(samples.items()), ("", {}))
        # A Japanese set turns the backslash between the values into a yen sign.
        declared = re.split(r"[\\¥]", str(tags.get("0008,0005") or ""))
        blocks = {
            name: dict(study.get(name) or {})
            for name in ("MainDicomTags", "PatientMainDicomTags")
        }
        shown = [str(blocks[block].get(keyword) or "") for block, keyword, _ in _TEXTS]
        if not sample_id or not may_be_misread(shown, declared):
            return study
        for block, keyword, path in _TEXTS:
            if blocks[block].get(keyword):
                raw = self._get(f"instances/{sample_id}/content/{path}").content
                text = text_of_bytes(raw.rstrip(b"\0 "), declared)
                blocks[block][keyword] = text or blocks[block][keyword]
        return {**study, **blocks}

    def _lookup(self, uid: str, level: str) -> str | None:
        found = self._ask(lambda: self._api.lookup(needle=uid, filter=level))
        return str(found[0]) if found else None

    def _get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        answer = self._get(path, params)
        try:
            return answer.json()
        except ValueError as error:
            raise ArchiveUnavailable(
                "What answers at the archive's address is not Orthanc."
            ) from error

    def _get(
        self, path: str, params: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        return self._request("GET", path, params=params)

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Read something; what passes by itself is asked again before it is an error.

        A silent archive is not asked again: each time costs the whole time limit.
        """
        return _patiently(lambda: self._request_once(method, path, **kwargs))

    def _request_once(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """Ask once, and once more when an idle connection was closed on us."""
        for last_try in (False, True):
            try:
                answer = self._http.request(method, path, **kwargs)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as e:
                if last_try:
                    raise _unavailable(e) from e
                continue
            except httpx.TransportError as error:
                raise _unavailable(error) from error
            if answer.is_error:
                raise _refusal(answer.status_code, _reason(answer))
            return answer
        raise AssertionError("unreachable")

    def _ask(self, call: Callable[[], Any]) -> Any:
        """Run a call of the public client with our errors.

        Only for what may be asked twice: a file that is there is not stored again,
        and what was deleted may be deleted.
        """
        return _patiently(lambda: self._ask_once(call))

    @staticmethod
    def _ask_once(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except api_errors.HttpError as error:
            status = int(error.http_status_code or 500)
            raise _refusal(status, str(error.msg or "")) from error
        except (api_errors.OrthancApiException, OSError) as error:
            raise _unavailable(error) from error


def _patiently(call: Callable[[], _T]) -> _T:
    """Run a call again, after a pause, when the archive answered with an error."""
    for pause_s in _PAUSES_S:
        try:
            return call()
        except ArchiveError as error:
            if not error.may_pass:
                raise
        time.sleep(pause_s)
    return call()


def _reason(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return ""
    words = (body.get("Message"), body.get("Details")) if isinstance(body, dict) else ()
    return " - ".join(str(word) for word in words if word)


def _refusal(status: int, reason: str) -> ArchiveError:
    if status in {401, 403}:
        return ArchiveRefused(
            "The archive refused our login: check its user and password."
        )
    if status == 404:
        return NotInArchive("The archive does not have this object (any more).")
    if status in {502, 503, 504}:
        busy = ArchiveUnavailable("The archive is busy or starting: try again.")
        busy.may_pass = True
        return busy
    refused = ArchiveRefused(f"The archive said no ({status}): {reason or 'no reason'}")
    refused.status = status
    refused.may_pass = status >= 500
    return refused


def _unavailable(error: Exception) -> ArchiveUnavailable:
    return ArchiveUnavailable(
        f"The archive does not answer ({type(error).__name__}). Is Orthanc running?"
    )
