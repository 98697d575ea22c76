"""Verbs of the written report: drafted from the answers, required before signing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.accounts.selectors import access_site
from apps.annotations.content import parse_content, plain_content
from apps.annotations.verifying import is_preliminary
from apps.audit.events import Event
from apps.audit.services import record
from apps.core.errors import DomainError, Invalid, NotFound
from apps.core.permissions import Permission
from apps.reports.drafting import (
    Said,
    draft_sections,
    missing_sections,
    parse_template,
    plain_codes,
)
from apps.reports.models import ReportTemplate
from apps.reports.shipped import SHIPPED
from apps.workflow.longitudinal.showing import changes_in_words
from apps.workflow.reporting.selectors import (
    earlier_readings,
    said_in,
    template_for,
    templates_of,
)
from apps.workflow.visibility import shown_findings
from apps.worklist.selectors import access_item
from apps.worklist.services import require_lease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.types import Actor
    from apps.annotations.models import Reading
    from apps.inference.models import Finding
    from apps.worklist.models import WorkItem

EARLIER = 10
_SAMPLE = [
    Said(
        scheme="SCT",
        code="233604007",
        display="Pneumonia",
        present=True,
        source="reader",
        source_id="sample",
        note="right lower lobe",
    ),
    Said(
        scheme="SCT",
        code="36118008",
        display="Pneumothorax",
        present=False,
        source="reader",
        source_id="sample-2",
    ),
]


def draft_report(
    *,
    actor: Actor,
    item_id: UUID,
    raw: object,
) -> dict[str, Any]:
    """Return a fresh report of a draft: its template, sections and codes.

    Nothing is saved: the reader's page puts it into the draft.

    Args:
        actor: The reader, who holds the item.
        item_id: The work item.
        raw: The draft's content as it is now.
    """
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_WRITE)
    require_lease(actor=actor, item=item)
    content = parse_content(raw=raw)
    findings = shown_findings(actor=actor, item=item)
    template = template_for(item=item)
    said = said_in(
        content=content,
        findings=findings,
        changes=changes_in_words(actor=actor, findings=findings),
    )
    return {
        "template": dict(template),
        "report": {
            "template": _named(template),
            "sections": draft_sections(template=template, said=said),
            "codes": plain_codes(said=said),
        },
    }


def _named(template: Mapping[str, Any]) -> dict[str, Any]:
    return {name: template[name] for name in ("code", "version", "name")}


def settle_report(
    *, actor: Actor, item: WorkItem, raw: object, findings: Mapping[str, Finding]
) -> dict[str, Any]:
    """Return the content to sign: what is required is there, the codes are ours.

    The reader's words stay as they are. What nobody edited, and the codes beside the
    text, follow from the answers that are signed, whatever the browser sent.

    Raises:
        DomainError: 422 `incomplete`: a required section is empty.
    """
    content = parse_content(raw=raw)
    plain = plain_content(content)
    report = plain.get("report")
    template = template_for(item=item)
    if report is not None:
        said = said_in(
            content=content,
            findings=findings,
            changes=_read(report, changes_in_words(actor=actor, findings=findings)),
        )
        report = plain["report"] = {
            **report,
            "sections": _fresh(template=template, report=report, said=said),
            "codes": plain_codes(said=said),
        }
    missing = missing_sections(
        template=template,
        report=report,
        impression=content.impression,
    )
    if missing:
        raise DomainError("incomplete", missing[0]["detail"], 422, missing=missing)
    return plain


def _read(report: Mapping[str, Any], changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changes that are in the report already: what came later is not."""
    text = "\n".join(section["text"] for section in report["sections"])
    return {name: words for name, words in changes.items() if words in text}


def _fresh(
    *, template: Mapping[str, Any], report: Mapping[str, Any], said: list[Said]
) -> list[dict[str, Any]]:
    """Return the sections to sign; what nobody edited follows the last answers."""
    drafted = {
        section["key"]: section["text"]
        for section in draft_sections(template=template, said=said)
        if report["template"] == _named(template)
    }
    return [
        section
        if section["edited"]
        else {**section, "text": drafted.get(section["key"], section["text"])}
        for section in report["sections"]
    ]


@transaction.atomic
def show_earlier(*, actor: Actor, item_id: UUID) -> dict[str, Any]:
    """Return the signed reports of the patient's other studies, newest first."""
    item = access_item(actor=actor, item_id=item_id, need=Permission.READING_READ)
    readings = earlier_readings(item=item, limit=EARLIER)
    study = item.case.revision.study
    record(
        actor=actor,
        event=Event.READING_READ,
        site_id=item.site_id,
        patients=[study.patient_id],
        studies=sorted({one.revision.study_id for one in readings}),
        object_kind="item",
        object_id=item.id,
        detail={"n": len(readings), "earlier": True},
    )
    return {"items": [_earlier(one) for one in readings]}


def _earlier(reading: Reading) -> dict[str, Any]:
    study = reading.revision.study
    report = reading.content.get("report") or {}
    return {
        "id": reading.id,
        "study": {
            "id": study.id,
            "description": study.description,
            "modality": "/".join(study.modalities),
            "study_date": study.study_date,
        },
        "signed_by": reading.signed_name,
        "signed_at": reading.signed_at,
        "preliminary": is_preliminary(reading=reading),
        "sections": [
            {"title": section["title"], "text": section["text"]}
            for section in report.get("sections", ())
            if section["text"].strip()
        ],
        "impression": reading.content.get("impression", ""),
    }


# --- templates


def list_templates(*, actor: Actor, site_id: UUID) -> dict[str, Any]:
    """Return the templates that hold at a site."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    return {"items": templates_of(site_id=site.id)}


@transaction.atomic
def write_template(
    *, actor: Actor, site_id: UUID, code: str, raw: object
) -> dict[str, Any]:
    """Write a site's template as a new version, in the place of what held."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    body = parse_template(raw=raw)
    row = _new_version(actor=actor, site_id=site.id, code=code, body=body)
    return {"code": row.code, "version": row.version, **row.body}


@transaction.atomic
def retire_template(*, actor: Actor, site_id: UUID, code: str) -> None:
    """Let the shipped template hold again, or none, in the place of the site's."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    _new_version(actor=actor, site_id=site.id, code=code, body=None)


def list_versions(*, actor: Actor, site_id: UUID, code: str) -> dict[str, Any]:
    """Return every version of a template at a site, newest first; 0 is the shipped."""
    site = access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    rows = ReportTemplate.objects.filter(site_id=site.id, code=code)
    own: list[dict[str, Any]] = [
        {
            "version": row.version,
            "at": row.created_at,
            "by": row.made_by.display_name if row.made_by else "",
            "template": {"code": code, "version": row.version, **row.body}
            if row.active
            else None,
        }
        for row in rows.select_related("made_by").order_by("-version")
    ]
    shipped = [
        {"version": 0, "at": None, "by": "", "template": one}
        for one in SHIPPED
        if one["code"] == code
    ]
    if not own and not shipped:
        raise NotFound("not_found", "There is no such template.")
    holding = next(
        (
            one["version"]
            for one in templates_of(site_id=site.id)
            if one["code"] == code
        ),
        None,
    )
    return {"items": [*own, *shipped], "holding": holding}


@transaction.atomic
def activate_version(
    *, actor: Actor, site_id: UUID, code: str, version: int
) -> dict[str, Any]:
    """Let what an older version says hold again, as a new version.

    Raises:
        NotFound: There is no such version, or it took the template away.
    """
    site = access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    row = ReportTemplate.objects.filter(
        site_id=site.id, code=code, version=version, active=True
    ).first()
    if row is None:
        raise NotFound("not_found", "There is no such version of this template.")
    fresh = _new_version(actor=actor, site_id=site.id, code=code, body=row.body)
    return {"code": fresh.code, "version": fresh.version, **fresh.body}


def preview_template(*, actor: Actor, site_id: UUID, raw: object) -> dict[str, Any]:
    """Return what a template would draft, with a finding and without; saves nothing."""
    access_site(actor=actor, site_id=site_id, need=Permission.PROTOCOL_MANAGE)
    template = parse_template(raw=raw)
    return {
        "without": draft_sections(template=template, said=[]),
        "with_finding": draft_sections(template=template, said=_SAMPLE),
    }


def _new_version(
    *, actor: Actor, site_id: UUID, code: str, body: dict[str, Any] | None
) -> ReportTemplate:
    rows = ReportTemplate.objects.filter(site_id=site_id, code=code)
    if body is None and not rows.exists():
        known = code in {one["code"] for one in SHIPPED}
        words = "came with Overread" if known else "does not exist"
        raise Invalid("invalid", f"code: this template {words}.", field="code")
    last = rows.aggregate(last=Max("version"))["last"] or 0
    row = ReportTemplate.objects.create(
        site_id=site_id,
        code=code,
        version=last + 1,
        active=body is not None,
        body=body or {},
        made_by_id=actor.user_id,
    )
    record(
        actor=actor,
        event=Event.TEMPLATE_WRITE,
        site_id=site_id,
        object_kind="report_template",
        object_id=row.id,
        detail={"code": code, "version": row.version, "active": row.active},
    )
    return row
