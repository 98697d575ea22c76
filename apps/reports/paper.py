"""A signed report for people: what stands on it, and as plain text. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

AI_NOTE: Final = "AI-generated, requires review"
NOT_SIGNED: Final = "DRAFT, NOT SIGNED. Not a report."
PRELIMINARY: Final = "PRELIMINARY. Awaiting verification."


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One coded thing that is there, or is not.

    Attributes:
        display: What people read.
        code: `scheme code`, as `SCT 233604007`.
        present: Whether the reader says that it is there.
        note: The reader's words, or the reason of a verdict.
        ai: What the AI said, with model, version and probability; empty where it is
            the reader's own.
        answer: What the reader answered to the AI.
    """

    display: str
    code: str
    present: bool
    note: str = ""
    ai: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Everything that stands on a report.

    Attributes:
        state: `signed`, `preliminary` (it awaits its verification), `superseded` (a
            later version holds) or `draft`.
        site: Who issues it.
        patient: (what, value) of the patient's banner.
        study: The same of the study.
        sections: (title, text), the impression last.
        statements: The coded findings.
        measurements: A line each.
        edition: 1, and one more with each amendment.
        signature: Who signed, and when, in words; empty for a draft.
        history: Lines on the versions before and after.
        reference: What names this report without naming the patient.
    """

    state: Literal["signed", "preliminary", "superseded", "draft"]
    site: str
    patient: tuple[tuple[str, str], ...]
    study: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...] = ()
    measurements: tuple[str, ...] = ()
    edition: int = 1
    signature: str = ""
    history: tuple[str, ...] = field(default=())
    reference: str = ""

    @property
    def title(self) -> str:
        """What it is, in words."""
        return "Radiology report" if self.edition == 1 else "Amended radiology report"

    @property
    def version(self) -> str:
        """Which version it is, in words."""
        return "Version 1" if self.edition == 1 else f"Amended, version {self.edition}"

    @property
    def banner(self) -> str:
        """What must be known before reading on; empty for a report that holds."""
        if self.state == "draft":
            return NOT_SIGNED
        if self.state == "preliminary":
            return PRELIMINARY
        if self.state == "superseded":
            return f"SUPERSEDED. {self.history[-1] if self.history else ''}".strip()
        return ""


def statement_lines(one: Statement) -> list[str]:
    """Return a coded finding as lines: what is there, then what the AI said."""
    said = one.display if one.present else f"No {one.display}"
    note = f" ({one.note})" if one.note and not one.ai else ""
    lines = [f"{said}{note} [{one.code}]"]
    if one.ai:
        because = f": {one.note}" if one.note else ""
        lines += [f"AI: {one.ai}. {AI_NOTE}.", f"Reader: {one.answer}{because}"]
    return lines


def as_text(paper: Paper) -> str:
    """Return a report as plain text in sections, for a RIS or a letter."""
    blocks = [[f"{paper.title.upper()}: {paper.site}"]]
    if paper.banner:
        blocks[0].append(f"*** {paper.banner} ***")
    blocks.append(
        [f"{what}: {value}" for what, value in (*paper.patient, *paper.study)]
    )
    for title, text in paper.sections:
        blocks.append([title.upper(), *text.strip().splitlines()])
    if paper.statements:
        lines = ["CODED FINDINGS"]
        for one in paper.statements:
            head, *rest = statement_lines(one)
            lines += [f"- {head}", *(f"    {line}" for line in rest)]
        blocks.append(lines)
    if paper.measurements:
        blocks.append(["MEASUREMENTS", *(f"- {line}" for line in paper.measurements)])
    blocks.append(
        [paper.signature or NOT_SIGNED, paper.version, *paper.history]
        + ([f"Reference: {paper.reference}"] if paper.reference else [])
    )
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"
