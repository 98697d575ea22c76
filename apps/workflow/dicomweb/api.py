"""The addresses of DICOMweb. They are for other programs, and in no OpenAPI."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.views import APIView

from apps.accounts.authentication import SessionActor
from apps.accounts.selectors import actor_of
from apps.accounts.token_authentication import TokenActor, require_scope
from apps.accounts.tokens import Scope
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.access import LoggedIn
from apps.core.errors import NotFound, Unavailable
from apps.core.permissions import Permission
from apps.interop.dicomweb import NotHad, bulk_of, frames_of, picture_of
from apps.interop.types import ArchiveError, NotInArchive
from apps.workflow.dicomweb import accept, retrieve, search, store
from apps.workflow.dicomweb.contents import access_by_uid, objects_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_framework.request import Request
    from rest_framework.response import Response

    from apps.accounts.types import Actor
    from apps.studies.models import Study
    from apps.workflow.dicomweb.contents import WebObject

_DICOM: Final = frozenset({accept.DICOM})
_BYTES: Final = "application/octet-stream"


def base_url() -> str:
    """Return what every address of ours begins with; never what a client says."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/dicom-web"


class _AnyAccept(DefaultContentNegotiation):
    """Leaves it to the views what a client takes."""

    def select_renderer(
        self,
        request: Request,
        renderers: Any,
        format_suffix: str | None = None,
    ) -> Any:
        return renderers[0], renderers[0].media_type


class _Unread(BaseParser):
    """Leaves the body to the views, whatever it is.

    The check of a session's CSRF token asks for the form's fields, and would have
    the body of a STOW request parsed, or refused, before its view sees it.
    """

    media_type = "*/*"

    def parse(self, *args: Any, **kwargs: Any) -> QueryDict:
        """Say that there are no form fields."""
        return QueryDict()


class DicomWebView(APIView):
    """What all of them share: who may ask, and what trouble is called."""

    authentication_classes = [TokenActor, SessionActor]
    permission_classes = [LoggedIn]
    content_negotiation_class = _AnyAccept
    parser_classes = [_Unread]
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the scope of a token as well."""
        super().initial(request, *args, **kwargs)
        require_scope(request, Scope.STORE if request.method == "POST" else Scope.READ)

    def handle_exception(self, exc: Exception) -> Response:
        """Tell the archive's trouble in the portal's words."""
        if isinstance(exc, (NotHad, NotInArchive)):
            exc = NotFound("not_found", str(exc))
        elif isinstance(exc, ArchiveError):
            exc = Unavailable("archive_down", "The archive does not answer now.")
        return super().handle_exception(exc)

    def wishes(self, request: Request) -> list[accept.Media]:
        """Return what the client takes."""
        text = request.query_params.get("accept") or request.headers.get("Accept", "")
        return accept.parse_accept(text)

    def objects(
        self, request: Request, uids: dict[str, str], *, what: str
    ) -> list[WebObject]:
        """Return what of the named study may leave, put on record."""
        actor = actor_of(request)
        need = (
            Permission.STUDY_READ
            if what == "metadata"
            else Permission.STUDY_PIXELS_READ
        )
        study = access_by_uid(actor=actor, study_uid=uids["study_uid"], need=need)
        found = objects_of(
            actor=actor,
            study=study,
            series_uid=uids.get("series_uid", ""),
            sop_uid=uids.get("sop_uid", ""),
        )
        retrieve.record_read(actor=actor, study=study, what=what, n=len(found))
        return found


def _stream(pieces: Iterator[bytes], content_type: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(retrieve.begun(pieces), content_type=content_type)
    # nginx passes it on as it comes.
    answer["X-Accel-Buffering"] = "no"
    return answer


def _related(parts: Iterator[tuple[str, Any]], *, inner: str) -> StreamingHttpResponse:
    boundary = retrieve.new_boundary()
    kind = f'{accept.MULTIPART}; type="{inner}"; boundary={boundary}'
    return _stream(retrieve.encode_parts(parts, boundary=boundary), kind)


# --- search


class SearchView(DicomWebView):
    """A list of studies, series or instances."""

    level = search.Level.STUDY

    def get(
        self, request: Request, study_uid: str = "", series_uid: str = ""
    ) -> HttpResponse:
        """Answer a search."""
        accept.require_json(self.wishes(request))
        actor = actor_of(request)
        query = search.parse_query(request.query_params, level=self.level)
        study = None
        if study_uid:
            study = access_by_uid(
                actor=actor, study_uid=study_uid, need=Permission.STUDY_READ
            )
        found = self._find(actor, query, study, series_uid)
        record(
            actor=actor,
            event=Event.DICOMWEB_SEARCH,
            site_id=study.site_id if study else None,
            patients=sorted({s.patient_id for s in found.studies.values()}),
            studies=sorted(found.studies),
            detail={"level": self.level.value, "n": len(found.rows)},
        )
        answer = HttpResponse(
            json.dumps(found.rows, ensure_ascii=False).encode(errors="replace"),
            content_type=accept.DICOM_JSON,
        )
        if query.ignored:
            answer["Warning"] = (
                '299 Overread "Some parameters are not supported and were ignored."'
            )
        return answer

    def _find(
        self, actor: Actor, query: search.Query, study: Study | None, series_uid: str
    ) -> search.Found:
        base = base_url()
        if self.level is search.Level.STUDY:
            return search.find_studies(actor=actor, query=query, base=base)
        if self.level is search.Level.SERIES:
            return search.find_series(actor=actor, query=query, base=base, study=study)
        return search.find_instances(
            actor=actor, query=query, base=base, study=study, series_uid=series_uid
        )


class _Storing(DicomWebView):
    """Takes files."""

    def post(self, request: Request, study_uid: str = "") -> HttpResponse:
        """Store every part of the request; the answer names each."""
        actor = actor_of(request)
        site = store.choose_site(actor=actor, code=request.query_params.get("site", ""))
        plain = request._request
        boundary = store.boundary_of(plain.headers.get("Content-Type", ""))
        stored = store.store(
            actor=actor,
            site=site,
            stream=_body(plain),
            boundary=boundary,
            study_uid=study_uid,
            base=base_url(),
        )
        return HttpResponse(
            json.dumps(stored.body),
            status=stored.status,
            content_type=accept.DICOM_JSON,
        )


def _body(request: Any) -> IO[bytes]:
    """Return the body; one without a length is read to its end."""
    if request.META.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        return cast("IO[bytes]", request.META["wsgi.input"])
    return cast("IO[bytes]", request)


class StudiesView(_Storing, SearchView):
    """Search for studies; store."""


class SeriesView(SearchView):
    """Search for series."""

    level = search.Level.SERIES


class InstancesView(SearchView):
    """Search for instances."""

    level = search.Level.INSTANCE


# --- retrieve


class ObjectsView(DicomWebView):
    """A study's, a series' or one instance's files, as stored."""

    def get(self, request: Request, **uids: str) -> StreamingHttpResponse:
        """Send the files."""
        wishes = self.wishes(request)
        fitting = accept.multipart_wishes(wishes, inner=_DICOM)
        found = self.objects(request, uids, what="files")
        retrieve.require_syntax(found, fitting)
        if len(found) == 1 and accept.wants_single(wishes, name=accept.DICOM):
            return _stream(retrieve.file_pieces(found[0]), accept.DICOM)
        return _related(retrieve.file_parts(found), inner=accept.DICOM)


class StudyObjectsView(_Storing, ObjectsView):
    """A study's files; store into it."""


class MetadataView(DicomWebView):
    """The headers of a study's, a series' or one instance's files."""

    def get(self, request: Request, **uids: str) -> StreamingHttpResponse:
        """Send the headers as JSON; binary values by their address."""
        accept.require_json(self.wishes(request))
        found = self.objects(request, uids, what="metadata")
        pieces = retrieve.metadata_pieces(found, base=base_url())
        return _stream(pieces, accept.DICOM_JSON)


class FramesView(DicomWebView):
    """Frames of one instance."""

    def get(self, request: Request, frames: str, **uids: str) -> StreamingHttpResponse:
        """Send them as stored; uncompressed ones in little endian."""
        numbers = retrieve.parse_frames(frames)
        [thing] = self.objects(request, uids, what="frames")
        data = frames_of(retrieve.content_of(thing), numbers=numbers)
        kinds = frozenset({data.media_type, _BYTES})
        wishes = accept.multipart_wishes(self.wishes(request), inner=kinds)
        if not _satisfied(wishes, data.media_type, data.transfer_syntax):
            raise accept.NotAcceptable(
                f"Frames are sent as stored, here as {data.media_type} with "
                f"transfer-syntax={data.transfer_syntax}."
            )
        kind = f"{data.media_type};transfer-syntax={data.transfer_syntax}"
        parts = ((kind, [frame]) for frame in data.frames)
        return _related(iter(parts), inner=data.media_type)


def _satisfied(wishes: list[accept.Media], media_type: str, syntax: str) -> bool:
    """Say whether frames of this kind are what one of the entries wants."""
    for wish in wishes:
        inner = wish.inner or (
            "" if wish.name.startswith(("multipart/", "*")) else wish.name
        )
        if wish.syntax:
            if wish.syntax == syntax:
                return True
            continue
        compressed = media_type != _BYTES
        named_any = wish.params.get("transfer-syntax") == "*"
        if not (compressed and inner == _BYTES and not named_any):
            return True
    return False


class RenderedView(DicomWebView):
    """One instance, or one frame of it, as a picture."""

    def get(self, request: Request, frames: str = "1", **uids: str) -> HttpResponse:
        """Draw the frame as displayed."""
        kind = accept.choose_picture(self.wishes(request))
        [number, *_] = retrieve.parse_frames(frames)
        [thing] = self.objects(request, uids, what="rendered")
        content = retrieve.content_of(thing)
        return HttpResponse(
            picture_of(content, frame=number, media_type=kind), content_type=kind
        )


class BulkView(DicomWebView):
    """One binary value of an instance."""

    def get(self, request: Request, path: str, **uids: str) -> StreamingHttpResponse:
        """Send the value."""
        wishes = self.wishes(request)
        accept.multipart_wishes(wishes, inner=frozenset({_BYTES}))
        [thing] = self.objects(request, uids, what="bulkdata")
        value = bulk_of(retrieve.content_of(thing), path=path)
        if accept.wants_single(wishes, name=_BYTES):
            return _stream(iter([value]), _BYTES)
        return _related(iter([(_BYTES, [value])]), inner=_BYTES)
