"""What the portal asks of a worker and what a worker answers.

Each message is a frozen dataclass that is valid once it exists. On the queue it
is a plain JSON object (`to_message`, `from_message`). A message carries ids,
hashes, a scoped token and numbers: never a patient's data, never pixels.

Standard library only: the portal imports this module, and so does every worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from workers.contract_checks import (
    MEDIA_TYPE,
    OPAQUE,
    ContractError,
    check_object,
    check_pattern,
    check_sha256,
    check_share,
    check_state,
    check_text,
    check_timings,
    check_type,
    check_uid,
    check_url,
    check_uuid,
    check_whole,
    is_corner,
    is_number,
    is_pair,
    read_fields,
    require,
)

VERSION: Final = 1

TASK_INFER: Final = "workers.infer"
TASK_PACK: Final = "workers.build_pack"
TASK_ACCEPT_RESULTS: Final = "workflow.accept_results"
TASK_ACCEPT_PACK: Final = "workflow.accept_pack"
TASK_ACCEPT_EXPLANATION: Final = "workflow.accept_explanation"

QUEUE_GPU: Final = "gpu"
QUEUE_PIXELS: Final = "pixels"
QUEUE_PORTAL: Final = "portal"

PRIORITY_URGENT: Final = 0
PRIORITY_NORMAL: Final = 5
PRIORITY_MAX: Final = 9

LOST_WORKER: Final = "The worker was lost"
"""How the reason of a request begins that was given up because it kills workers."""

OUTDATED: Final = "the request waited until its token had ended"
"""The reason of a request that the portal refused for its age: it is sent again."""

INFER_STATES: Final = frozenset({"done", "failed", "rejected"})
PACK_STATES: Final = frozenset({"ready", "failed"})

MASK_MEDIA_TYPE: Final = "application/x-overread-mask+gzip"
"""gzip of uint8 `[frame][row][column]`, 0 or 1."""


def attempt_keys(request_id: str) -> tuple[str, str]:
    """Return the broker's keys of a request: how often begun, how often put off.

    Workers count there; the portal deletes both when somebody asks for another try.
    """
    name = f"overread:attempts:{request_id}"
    return name, f"{name}:put_off"


CHANNEL_URGENT: Final = "overread:urgent"
"""The broker's channel on which the portal announces that something urgent is on its
way to the models. Of an announcement nothing but its coming counts: it is empty."""
WORKER_KEYS: Final = "overread:worker:*"
"""Pattern of the broker's keys under which workers of models tell how they are."""


def worker_key(node: str) -> str:
    """Return the broker's key under which a worker tells how it is, as JSON."""
    return WORKER_KEYS.replace("*", node)


def read_message(message: object, names: frozenset[str]) -> dict[str, Any]:
    """Return a message's fields without its version, else raise `ContractError`."""
    if not isinstance(message, Mapping):
        raise ContractError("message: must be a JSON object")
    body = dict(message)
    if body.pop("version", None) != VERSION:
        raise ContractError(f"version: this side speaks version {VERSION}")
    return read_fields(body, names, name="message")


def _plain(value: Any) -> Any:
    """Turn a validated value into plain JSON types."""
    if isinstance(value, _Part):
        return value.to_message()
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


# --- the messages' common shape


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A JSON object inside a message."""

    def to_message(self) -> dict[str, Any]:
        """Return the plain JSON object."""
        return self._wrap({f.name: _plain(getattr(self, f.name)) for f in fields(self)})

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Read and check a JSON object.

        Raises:
            ContractError: It does not keep to the contract; the text says how.
        """
        if not isinstance(message, Mapping):
            raise ContractError(f"{cls.__name__}: must be a JSON object")
        body = cls._unwrap(dict(message))
        known = {f.name for f in fields(cls)}
        unknown = sorted(str(key) for key in body if key not in known)
        if unknown:
            raise ContractError(f"{cls.__name__}: unknown field {', '.join(unknown)}")
        try:
            return cls(**cls._parse(body))
        except TypeError as error:
            raise ContractError(f"{cls.__name__}: {error}") from error

    def _wrap(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add what only the JSON form has."""
        return body

    @classmethod
    def _unwrap(cls, body: dict[str, Any]) -> dict[str, Any]:
        """Check and take off what only the JSON form has."""
        return body

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        """Turn the parts of a JSON object into what the constructor takes."""
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message(_Part):
    """A whole message: it names its version."""

    def _wrap(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"version": VERSION, **body}

    @classmethod
    def _unwrap(cls, body: dict[str, Any]) -> dict[str, Any]:
        version = body.pop("version", None)
        if version != VERSION or isinstance(version, bool):
            raise ContractError(
                f"{cls.__name__}: version {version!r} is unknown here,"
                f" this side speaks version {VERSION}"
            )
        return body


# --- requests


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRequest(_Message):
    """Build the pixel pack of a study revision.

    Attributes:
        request_id: Names the request; what the token is scoped to.
        revision_id: UUID of the study revision.
        token: Bearer token of the machine API; never logged.
        portal_url: Where the machine API is.
        source_hash: Hash of the revision's image instances: two packs of one
            source are the same pack.
    """

    request_id: str
    revision_id: str
    token: str = field(repr=False)
    portal_url: str
    source_hash: str

    def __post_init__(self) -> None:
        """Check every field."""
        check_pattern(
            self.request_id, name="request_id", pattern=OPAQUE, rule="must be an id"
        )
        check_uuid(self.revision_id, name="revision_id")
        check_text(self.token, name="token")
        check_url(self.portal_url, name="portal_url")
        check_pattern(
            self.source_hash, name="source_hash", pattern=OPAQUE, rule="must be a hash"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InferRequest(_Message):
    """Run one model on one study revision.

    Attributes:
        run_id: UUID of the inference run.
        revision_id: UUID of the study revision.
        package_hash: SHA-256 of the model package.
        token: Bearer token of the machine API; never logged.
        portal_url: Where the machine API is.
        priority: 0 (first) to 9 (last) in the queue.
        series: Series Instance UID by role, of a model of several series; empty where
            the worker chooses. An empty one is not written: older workers read it.
        explain: Codes of labels of which it is asked where they come from, after the
            run's result: `run_id` is then that of the explanation. Empty: the run
            itself is asked for, and it is not written.
    """

    run_id: str
    revision_id: str
    package_hash: str
    token: str = field(repr=False)
    portal_url: str
    priority: int = PRIORITY_NORMAL
    series: Mapping[str, str] = field(default_factory=dict)
    explain: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every field."""
        check_uuid(self.run_id, name="run_id")
        check_uuid(self.revision_id, name="revision_id")
        check_sha256(self.package_hash, name="package_hash")
        check_text(self.token, name="token")
        check_url(self.portal_url, name="portal_url")
        check_whole(self.priority, name="priority", low=0, high=PRIORITY_MAX)
        check_object(self.series, name="series")
        for uid in self.series.values():
            check_uid(uid, name="series")
        ok = isinstance(self.explain, tuple)
        require(ok=ok, name="explain", rule="must be a list")
        for code in self.explain:
            check_text(code, name="explain")

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        if isinstance(body.get("explain"), list):
            body["explain"] = tuple(body["explain"])
        return body

    def _wrap(self, body: dict[str, Any]) -> dict[str, Any]:
        for name in ("series", "explain"):
            if not body[name]:
                del body[name]
        # No super(): it is lost where `slots` makes the class anew.
        return _Message._wrap(self, body)


# --- answers


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactRef(_Part):
    """A file that a worker stored at the portal under its own hash.

    Attributes:
        sha256: Hash of the bytes, and their name.
        media_type: Such as `image/png`.
        sop_uid: The image that it is about; None for the whole study.
        frame: 1-based frame of that image; None for the whole study.
        meta: What a reader of the file needs; for a saliency map `cut_off`
            (0–1), `columns` and `rows` of the image it lies on.
    """

    sha256: str
    media_type: str
    sop_uid: str | None = None
    frame: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field."""
        check_sha256(self.sha256, name="sha256")
        check_pattern(
            self.media_type,
            name="media_type",
            pattern=MEDIA_TYPE,
            rule="must be a media type",
        )
        if self.sop_uid is not None:
            check_uid(self.sop_uid, name="sop_uid")
        if self.frame is not None:
            check_whole(self.frame, name="frame", low=1)
        check_object(self.meta, name="meta")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxResult(_Part):
    """A box on one frame.

    Attributes:
        sop_uid: The image.
        frame: 1-based frame.
        points: Two corners (column, row) in the image's pixels, the top left
            and the bottom right; (0, 0) is the top left corner of the top left
            pixel.
    """

    sop_uid: str
    frame: int
    points: tuple[tuple[float, float], tuple[float, float]]

    def __post_init__(self) -> None:
        """Check every field."""
        check_uid(self.sop_uid, name="sop_uid")
        check_whole(self.frame, name="frame", low=1)
        ok = is_pair(self.points) and all(is_corner(point) for point in self.points)
        require(ok=ok, name="points", rule="must be two corners in the image")
        (left, top), (right, bottom) = self.points
        ok = left < right and top < bottom
        require(ok=ok, name="points", rule="must be top left, then bottom right")

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        points = body.get("points")
        if isinstance(points, list | tuple):
            body["points"] = tuple(
                tuple(point) if isinstance(point, list | tuple) else point
                for point in points
            )
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRef(_Part):
    """Where a finding is, voxel by voxel, on single-frame images of one series.

    Attributes:
        artefact: The mask's file, of `MASK_MEDIA_TYPE`.
        series_uid: The series that the images are of.
        sop_uids: The image of each frame of the mask, in its order.
        rows: Lines of every image.
        columns: Pixels a line.
        volume_ml: What is marked, in millilitres.
    """

    artefact: ArtefactRef
    series_uid: str
    sop_uids: tuple[str, ...]
    rows: int
    columns: int
    volume_ml: float

    def __post_init__(self) -> None:
        """Check every field."""
        kind = getattr(self.artefact, "media_type", None)
        ok = kind == MASK_MEDIA_TYPE
        require(ok=ok, name="artefact", rule=f"must be of {MASK_MEDIA_TYPE}")
        check_uid(self.series_uid, name="series_uid")
        check_type(self.sop_uids, tuple, name="sop_uids")
        ok = bool(self.sop_uids)
        require(ok=ok, name="sop_uids", rule="must name at least one image")
        for sop_uid in self.sop_uids:
            check_uid(sop_uid, name="sop_uids")
        ok = len(set(self.sop_uids)) == len(self.sop_uids)
        require(ok=ok, name="sop_uids", rule="must name each image once")
        check_whole(self.rows, name="rows", low=1, high=65535)
        check_whole(self.columns, name="columns", low=1, high=65535)
        ok = is_number(self.volume_ml) and self.volume_ml >= 0
        require(ok=ok, name="volume_ml", rule="must be millilitres, 0 or more")

    @property
    def n_bytes(self) -> int:
        """Bytes of the mask when inflated."""
        return len(self.sop_uids) * self.rows * self.columns

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("artefact") is not None:
            body["artefact"] = ArtefactRef.from_message(body["artefact"])
        if isinstance(body.get("sop_uids"), list):
            body["sop_uids"] = tuple(body["sop_uids"])
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingResult(_Part):
    """What the model says about one label.

    Attributes:
        label_code: The label's code on the model's card.
        raw_score: The model's output before calibration, in the unit that its
            card names (log odds as a rule): any finite number.
        probability: Calibrated probability (0–1).
        uncertainty: 0 (sure) to 1; what it is, is on the model's card. None
            when the model has no way to tell.
        box: Where; None when the model marks nothing.
        saliency: What it looked at; None when not made.
        mask: Its voxels; None when the model draws none or marks nothing.
    """

    label_code: str
    raw_score: float
    probability: float
    uncertainty: float | None = None
    box: BoxResult | None = None
    saliency: ArtefactRef | None = None
    mask: MaskRef | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        check_text(self.label_code, name="label_code")
        require(ok=bool(self.label_code), name="label_code", rule="must not be empty")
        ok = is_number(self.raw_score)
        require(ok=ok, name="raw_score", rule="must be a finite number")
        check_share(self.probability, name="probability")
        if self.uncertainty is not None:
            check_share(self.uncertainty, name="uncertainty")
        check_type(self.box, BoxResult, name="box")
        check_type(self.saliency, ArtefactRef, name="saliency")
        check_type(self.mask, MaskRef, name="mask")

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("box") is not None:
            body["box"] = BoxResult.from_message(body["box"])
        if body.get("saliency") is not None:
            body["saliency"] = ArtefactRef.from_message(body["saliency"])
        if body.get("mask") is not None:
            body["mask"] = MaskRef.from_message(body["mask"])
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class InferResult(_Message):
    """The answer to an `InferRequest`.

    Attributes:
        run_id: As asked.
        package_hash: The package that answered, as asked.
        state: `done`; `failed` (it could not run); `rejected` (the study is not
            what the model may judge).
        reason: Why not, in plain words; empty when done.
        quality: What the input gate measured and decided.
        findings: One per label on the card when done, else none.
        embedding: The study's vector (.npy, float32); None when not made.
        timings: Seconds: `fetch_s`, `prepare_s`, `infer_s`, `explain_s`.
        device: What it ran on, such as `cpu` or a GPU's name.
    """

    run_id: str
    package_hash: str
    state: str
    reason: str = ""
    quality: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[FindingResult, ...] = ()
    embedding: ArtefactRef | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    device: str = ""

    def __post_init__(self) -> None:
        """Check every field."""
        check_uuid(self.run_id, name="run_id")
        check_sha256(self.package_hash, name="package_hash")
        check_state(self.state, self.reason, allowed=INFER_STATES)
        check_object(self.quality, name="quality")
        ok = isinstance(self.findings, tuple)
        require(ok=ok, name="findings", rule="must be a list")
        ok = self.state == "done" or not self.findings
        require(ok=ok, name="findings", rule="only a run that is done has any")
        for finding in self.findings:
            check_type(finding, FindingResult, name="findings")
        codes = [finding.label_code for finding in self.findings]
        ok = len(codes) == len(set(codes))
        require(ok=ok, name="findings", rule="each label at most once")
        check_type(self.embedding, ArtefactRef, name="embedding")
        check_timings(self.timings, name="timings")
        check_text(self.device, name="device")

    @classmethod
    def _parse(cls, body: dict[str, Any]) -> dict[str, Any]:
        findings = body.get("findings")
        if isinstance(findings, list | tuple):
            body["findings"] = tuple(
                FindingResult.from_message(part) for part in findings
            )
        if body.get("embedding") is not None:
            body["embedding"] = ArtefactRef.from_message(body["embedding"])
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class PackResult(_Message):
    """The answer to a `PackRequest`.

    Attributes:
        request_id: As asked.
        revision_id: As asked.
        state: `ready` or `failed`.
        reason: Why it failed, in plain words; empty when ready.
        n_series: Series in the pack.
        n_instances: Instances in the pack, those with `why_not` included.
        n_frames: Frames that can be shown.
        n_bytes: Size of the pack on disk.
        timings: Seconds: `fetch_s`, `build_s`.
    """

    request_id: str
    revision_id: str
    state: str
    reason: str = ""
    n_series: int = 0
    n_instances: int = 0
    n_frames: int = 0
    n_bytes: int = 0
    timings: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field."""
        check_pattern(
            self.request_id, name="request_id", pattern=OPAQUE, rule="must be an id"
        )
        check_uuid(self.revision_id, name="revision_id")
        check_state(self.state, self.reason, allowed=PACK_STATES)
        check_whole(self.n_series, name="n_series", low=0)
        check_whole(self.n_instances, name="n_instances", low=0)
        check_whole(self.n_frames, name="n_frames", low=0)
        check_whole(self.n_bytes, name="n_bytes", low=0)
        check_timings(self.timings, name="timings")
