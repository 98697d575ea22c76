"""Which protocol a clinical study is read under, and who may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import Site
from apps.annotations.models import ReadingProtocol
from apps.annotations.types import DisplayMode
from apps.audit.events import Event
from apps.audit.services import record
from apps.core import clock
from apps.core.errors import Conflict, Forbidden, Invalid, NotFound
from apps.core.permissions import Permission
from apps.inference.models import ModelVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from apps.accounts.types import Actor

CLINICAL = "clinical"
_STRICTEST = [DisplayMode.NONE, DisplayMode.AFTER_COMMIT, DisplayMode.CONCURRENT]


def clinical_protocol(
    *, site: Site | None, modalities: Sequence[str] = ()
) -> ReadingProtocol:
    """Return the protocol of clinical reads of a study; the general on first use.

    The one for a modality of the study goes before the general one; of several, the
    one that shows least of the AI.
    """
    found = [
        p
        for p in ReadingProtocol.objects.filter(
            site=site, retired_at=None, modality__in=modalities
        )
        if p.modality and p.code.startswith(CLINICAL)
    ]
    if found:
        return min(found, key=lambda p: _STRICTEST.index(DisplayMode(p.display_mode)))
    general = ReadingProtocol.objects.filter(
        site=site, retired_at=None, code=CLINICAL
    ).order_by("-version")
    protocol = general.first()
    if protocol is not None:
        return protocol
    protocol, _ = ReadingProtocol.objects.get_or_create(
        site=site,
        code=CLINICAL,
        version=1,
        defaults={
            "name": "Clinical read",
            "display_mode": DisplayMode.CONCURRENT,
            "n_readers": 1,
        },
    )
    return protocol


def protocols_of(*, actor: Actor) -> list[ReadingProtocol]:
    """Return the clinical protocols in force at the sites that the actor manages."""
    sites = actor.sites_with(Permission.PROTOCOL_MANAGE)
    if not sites:
        raise Forbidden("forbidden", "You do not manage reading protocols.")
    for site in Site.objects.filter(id__in=sites):
        clinical_protocol(site=site)
    return list(
        ReadingProtocol.objects.select_related("site")
        .filter(site_id__in=sites, retired_at=None, code__startswith=CLINICAL)
        .order_by("site__name", "modality")
    )


@transaction.atomic
def set_display_mode(
    *,
    actor: Actor,
    site_id: UUID,
    modality: str,
    display_mode: str,
    reason: str,
    labels: Sequence[str] | None = None,
) -> ReadingProtocol:
    """Say when readers of a site see the AI, for one modality or ('') for the rest.

    And what they are asked for: a signed reading under it that does not mark one of
    `labels` says that it is absent. They are codes of `askable_labels`; None leaves
    what the protocol in force asks for.

    A protocol never changes: this makes its next version. It holds for studies that
    arrive from now on; what is on the list stays under the version it came with.
    """
    if display_mode not in [mode.value for mode in DisplayMode]:
        raise Invalid(
            "invalid",
            "display_mode: is none, after_commit or concurrent.",
            field="display_mode",
        )
    modality = modality.strip().upper()
    if modality and not modality.isalnum():
        raise Invalid(
            "invalid", "modality: is a DICOM modality, or empty.", field="modality"
        )
    if not reason.strip():
        raise Invalid("invalid", "reason: say why.", field="reason")
    site = _managed_site(actor=actor, site_id=site_id)
    code = f"{CLINICAL}-{modality.lower()}" if modality else CLINICAL
    versions = ReadingProtocol.objects.filter(site=site, code=code)
    now_in_force = versions.filter(retired_at=None).first()
    before = now_in_force.labels if now_in_force else []
    asked = before if labels is None else _labels(site=site, codes=labels)
    same = now_in_force is not None and now_in_force.labels == asked
    if same and now_in_force and now_in_force.display_mode == display_mode:
        return now_in_force
    versions.filter(retired_at=None).update(retired_at=clock.now())
    last = versions.aggregate(Max("version"))["version__max"] or 0
    protocol = ReadingProtocol.objects.create(
        site=site,
        code=code,
        name=f"Clinical read, {modality}" if modality else "Clinical read",
        modality=modality,
        version=last + 1,
        display_mode=display_mode,
        n_readers=1,
        labels=asked,
    )
    mode = now_in_force.display_mode if now_in_force else ""
    _audit(actor, protocol, before=mode, after=display_mode, reason=reason)
    return protocol


def askable_labels(*, site_ids: Iterable[UUID]) -> list[dict[str, str]]:
    """Return the findings of the models in use at sites, by display."""
    cards = ModelVersion.objects.filter(
        slot__active=True, slot__site_id__in=list(site_ids)
    ).values_list("card", flat=True)
    labels = {
        label["code"]: {name: label[name] for name in ("scheme", "code", "display")}
        for card in cards
        for label in card["labels"]
    }
    return sorted(labels.values(), key=lambda one: one["display"])


def _labels(*, site: Site, codes: Sequence[str]) -> list[dict[str, str]]:
    known = {one["code"]: one for one in askable_labels(site_ids=[site.id])}
    unknown = sorted(set(codes) - set(known))
    if unknown:
        raise Invalid(
            "invalid",
            f"labels: no model in use at this site finds {unknown[0]}.",
            field="labels",
        )
    return [known[code] for code in sorted(set(codes))]


@transaction.atomic
def retire_protocol(*, actor: Actor, protocol_id: UUID) -> None:
    """Take back what was said for one modality: the general protocol holds again."""
    protocol = (
        ReadingProtocol.objects.select_related("site")
        .filter(id=protocol_id, code__startswith=CLINICAL)
        .first()
    )
    if protocol is None or protocol.site is None:
        raise NotFound("not_found", "There is no such protocol, or it is not yours.")
    _managed_site(actor=actor, site_id=protocol.site.id)
    if not protocol.modality:
        raise Conflict("general", "A site always has its general protocol.")
    if protocol.retired_at is not None:
        return
    protocol.retired_at = clock.now()
    protocol.save(update_fields=["retired_at", "updated_at"])
    _audit(actor, protocol, before=protocol.display_mode, after="", reason="")


def _managed_site(*, actor: Actor, site_id: UUID) -> Site:
    """Return the site, locked: two changes at once make two versions."""
    site = Site.objects.select_for_update().filter(id=site_id).first()
    if site is not None and actor.can(Permission.PROTOCOL_MANAGE, site.id):
        return site
    if site is not None and actor.is_member(site.id):
        raise Forbidden("forbidden", "Your role does not change reading protocols.")
    raise NotFound("not_found", "There is no such site, or it is not yours.")


def _audit(
    actor: Actor, protocol: ReadingProtocol, *, before: str, after: str, reason: str
) -> None:
    record(
        actor=actor,
        event=Event.PROTOCOL_CHANGE,
        site_id=protocol.site_id,
        object_kind="protocol",
        object_id=protocol.id,
        detail={
            "code": protocol.code,
            "version": protocol.version,
            "before": before,
            "after": after,
            "asks": [label["code"] for label in protocol.labels],
            "reason": reason.strip()[:200],
        },
    )
