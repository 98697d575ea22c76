"""A report as PDF: laid out by WeasyPrint, with the system's fonts embedded.

Pango chooses a font for each script and orders right-to-left words; what no font of
this machine can draw is said on the page, and never in the log.
"""

from __future__ import annotations

import threading
from html import escape
from typing import TYPE_CHECKING, Any, Final, NoReturn

from weasyprint import HTML

from apps.core.errors import DomainError
from apps.reports.paper import statement_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.reports.paper import Paper, Statement

MAX_CHARACTERS: Final = 200_000
"""More than a hundred pages: nobody's report, and a minute of work."""

_one_at_a_time = threading.Lock()

_STYLE = """
@page { size: A4; margin: 22mm 18mm 20mm; font-size: 8pt; color: #555;
  @top-left { content: %(site)s; }
  @top-right { content: %(version)s; }
  @bottom-left { content: %(who)s; width: 78%%; text-align: left; }
  @bottom-right { content: "Page " counter(page) " of " counter(pages); width: 22%%; } }
html { font-family: "DejaVu Sans", "Noto Sans", "Droid Sans Fallback", sans-serif;
  font-size: 9.5pt; line-height: 1.45; color: #111; }
h1 { font-size: 15pt; margin: 0 0 1mm; font-weight: 600; }
.edition { margin: 0 0 4mm; color: #444; }
h2 { font-size: 10pt; margin: 5mm 0 1mm; break-after: avoid; font-weight: 600;
  border-bottom: .3pt solid #bbb; }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
table { width: 100%%; border-collapse: collapse; }
.facts { background: #f2f4f6; border: .5pt solid #ccc; }
.facts td { padding: 1.2mm 2mm; vertical-align: top; width: 50%%; }
.facts span { color: #555; font-size: 8pt; display: block; }
.banner { border: 1.2pt solid #a00; color: #a00; font-weight: 600; padding: 2mm 3mm;
  margin: 0 0 3mm; }
.unknown { border: .5pt solid #a60; padding: 1.5mm 3mm; margin: 3mm 0 0; }
ul { margin: 1mm 0 0; padding-left: 5mm; }
li { margin-bottom: 1mm; break-inside: avoid; }
li .ai { color: #5b2ea6; border-left: 1pt dashed #5b2ea6; padding-left: 2mm;
  margin-left: 1mm; display: block; }
li .reader { color: #0b5f59; border-left: 1pt solid #0b5f59; padding-left: 2mm;
  margin-left: 1mm; display: block; }
.code { color: #666; font-size: 8pt; }
.signature { margin-top: 7mm; border-top: .5pt solid #111; padding-top: 2mm;
  break-inside: avoid; }
.small { color: #555; font-size: 8pt; }
"""
_UNKNOWN = (
    "Some characters of this report cannot be drawn with the fonts of this server; "
    "boxes stand in their places. The text version has them: "
)


def _refuse(url: str, *_: Any, **__: Any) -> NoReturn:
    """Fetch nothing: a report needs no other file, whatever stands in it."""
    message = f"a report fetches nothing: {url[:40]}"
    raise ValueError(message)


def as_pdf(paper: Paper) -> bytes:
    """Return a report as a PDF file.

    Raises:
        DomainError: 413 `too_long`: only the text version has all of it.
    """
    size = sum(len(text) for _, text in paper.sections) + 200 * len(paper.statements)
    if size > MAX_CHARACTERS:
        raise DomainError(
            "too_long", "This report is too long for a PDF; take the text.", 413
        )
    with _one_at_a_time:
        content, unknown = _draw(_page(paper))
        if unknown:
            content, _ = _draw(_page(paper, unknown=unknown))
    return content


def _draw(markup: str) -> tuple[bytes, list[int]]:
    """Return the file, and the code points that no font could draw."""
    document = HTML(string=markup, url_fetcher=_refuse).render()
    content: bytes = document.write_pdf()
    missing = {point for font in document.fonts.values() for point in font.missing}
    return content, sorted(missing)


def _page(paper: Paper, unknown: Iterable[int] = ()) -> str:
    points = ", ".join(f"U+{point:04X}" for point in unknown)
    parts = [
        "<html lang='en'><head><meta charset='utf-8'>",
        f"<title>{escape(paper.title)}</title>",
        f"<style>{_style(paper)}</style></head><body>",
        f"<h1>{escape(paper.title)}</h1>",
        f"<p class='edition'>{escape(paper.site)} · {escape(paper.version)}</p>",
        f"<p class='banner'>{escape(paper.banner)}</p>" if paper.banner else "",
        _facts(paper.patient, paper.study),
        f"<p class='unknown'>{_UNKNOWN}{points}</p>" if points else "",
        *(
            f"<h2>{escape(title)}</h2><p>{escape(text.strip())}</p>"
            for title, text in paper.sections
        ),
        _statements(paper),
        _list("Measurements", paper.measurements),
        "<div class='signature'>",
        f"<p><b>{escape(paper.signature or paper.banner)}</b></p>",
        *(f"<p>{escape(line)}</p>" for line in (paper.version, *paper.history)),
        f"<p class='small'>Reference {escape(paper.reference)}</p></div></body></html>",
    ]
    return "".join(parts)


def _style(paper: Paper) -> str:
    """Return the style sheet; who and what it is stands on every page."""
    who = "  ·  ".join(value for _, value in paper.patient[:3] if value)
    state = "" if paper.state == "signed" else f"{paper.state.upper()}  ·  "
    return _STYLE % {
        "site": _css_string(paper.site),
        "version": _css_string(state + paper.version),
        "who": _css_string(who),
    }


def _css_string(text: str) -> str:
    """Return words as a CSS string; whatever is not a letter or digit is escaped."""
    return '"' + "".join(map(_css_character, text)) + '"'


def _css_character(char: str) -> str:
    plain = char.isalnum() or char == " "
    return char if plain else f"\\{ord(char):06x} "


def _facts(*groups: Iterable[tuple[str, str]]) -> str:
    cells = [
        f"<td><span>{escape(what)}</span>{escape(value) or '–'}</td>"
        for group in groups
        for what, value in group
    ]
    rows = [cells[i : i + 2] for i in range(0, len(cells), 2)]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table class='facts'>{body}</table>"


def _statements(paper: Paper) -> str:
    if not paper.statements:
        return ""
    items = "".join(_statement(one) for one in paper.statements)
    return f"<h2>Coded findings</h2><ul>{items}</ul>"


def _statement(one: Statement) -> str:
    head, *rest = statement_lines(one)
    said, _, code = head.rpartition(" [")
    kinds = ("ai", "reader")
    lines = "".join(
        f"<span class='{kind}'>{escape(line)}</span>"
        for kind, line in zip(kinds, rest, strict=False)
    )
    return (
        f"<li>{escape(said)} <span class='code'>{escape(code.rstrip(']'))}</span>"
        f"{lines}</li>"
    )


def _list(title: str, lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>" if items else ""
