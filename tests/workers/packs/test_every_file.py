"""Every file of the small collection: shown, attached, or why not; none is missing.

Writes the table to `var/test/dicom_small.tsv`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from apps.interop.dicom.headers import (
    RejectedFile,
    Rejection,
    classify_file,
    read_part10,
)
from workers.packs.instance import pack_instance
from workers.packs.isolation import IsolatedDecoder
from workers.packs.layout import belongs_in_pack
from workers.packs.source import InstanceRef
from workers.packs.transcode import to_storable

ROOT = Path(__file__).parents[3]
SMALL = ROOT.parent / "shared" / "data" / "dicom_small"
REPORT = ROOT / "var" / "test" / "dicom_small.tsv"

pytestmark = pytest.mark.real_data

NOT_SHOWN = {"JPEG2000-embedded-sequence-delimiter.dcm": "its header says 256×1024"}


def fate(path, *, folder, decoder):
    """Return what becomes of a file, in one word, and the reason or encoding."""
    found = classify_file(path)
    if isinstance(found, RejectedFile):
        return (
            "skipped" if found.is_skipped else "refused",
            str(found.code),
            (found.reason),
        )
    header = found.header
    if not belongs_in_pack(header.sop_class_uid):
        return "attached", header.modality or "none", "It is no image; it is listed."
    content = read_part10(found)
    ref = InstanceRef(
        sop_uid=header.sop_uid,
        series_uid=header.series_uid,
        sop_class_uid=header.sop_class_uid,
        size=found.size,
    )
    packed = pack_instance(
        to_storable(content) or content, ref=ref, folder=folder, decoder=decoder
    )
    if packed.why_not:
        return "not shown", header.modality or "none", packed.why_not
    assert packed.n_frames == header.n_frames
    way = "decoded" if packed.plan.needs_decoding else "as stored"
    return (
        "shown",
        header.modality or "none",
        f"{packed.n_frames} {packed.plan.ext} {way}",
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    if not SMALL.exists():
        pytest.skip("no shared data here")
    rows = []
    with IsolatedDecoder() as decoder:
        for path in sorted(p for p in SMALL.rglob("*") if p.is_file()):
            folder = tmp_path_factory.mktemp("pack")
            name = str(path.relative_to(SMALL))
            rows.append((name, *fate(path, folder=folder, decoder=decoder)))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join("\t".join(row) for row in rows) + "\n")
    return rows


def test_every_file_has_one_fate_and_the_sum_is_right(table):
    assert len(table) == sum(path.is_file() for path in SMALL.rglob("*"))
    assert all(all(row) for row in table)
    counts = Counter(fate for _, fate, _, _ in table)
    assert set(counts) <= {"shown", "attached", "refused", "skipped", "not shown"}
    assert counts["shown"] >= 115
    assert counts["not shown"] == len(NOT_SHOWN)


def test_what_is_not_shown_says_why(table):
    found = {Path(name).name: why for name, f, _, why in table if f == "not shown"}
    assert set(found) == set(NOT_SHOWN)
    for name, words in NOT_SHOWN.items():
        assert words in found[name]


def test_what_is_refused_has_a_known_reason(table):
    codes = Counter(code for _, f, code, _ in table if f == "refused")
    assert set(codes) == {
        Rejection.NOT_DICOM,
        Rejection.TRUNCATED,
        Rejection.MISSING_IDENTIFIER,
        Rejection.BAD_IDENTIFIER,
        Rejection.NO_PIXELS,
    }
