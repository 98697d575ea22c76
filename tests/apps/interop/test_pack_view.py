"""What the portal answers while a pack is built equals what the pack will hold."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from apps.interop.pack_view import (
    FrameError,
    read_frame,
    sort_views,
    view_instance,
)
from tests.factories.dicom import make_ct_series, to_bytes
from workers.packs.build import build_pack
from workers.packs.dataset import read_dataset
from workers.packs.isolation import IsolatedDecoder
from workers.packs.source import InstanceRef

SMALL = Path(__file__).parents[4] / "shared" / "data" / "dicom_small"
REAL = (
    "pydicom_test_files/CT_small.dcm",
    "pydicom_test_files/MR_small_RLE.dcm",
    "pydicom_test_files/MR_small_bigendian.dcm",
    "pydicom_test_files/examples_ybr_color.dcm",
    "pydicom_test_files/MR_small_jpeg_ls_lossless.dcm",
    "pydicom_data/693_J2KR.dcm",
)


class Files:
    """The instances of one study, in memory."""

    def __init__(self, contents: list[bytes]) -> None:
        self.contents = {self._ref(content): content for content in contents}

    @staticmethod
    def _ref(content: bytes) -> InstanceRef:
        dataset = read_dataset(content)
        return InstanceRef(
            sop_uid=dataset.SOPInstanceUID,
            series_uid=dataset.SeriesInstanceUID,
            sop_class_uid=dataset.SOPClassUID,
            size=len(content),
        )

    def list_instances(self) -> list[InstanceRef]:
        return list(self.contents)

    def read_instance(self, sop_uid: str) -> bytes:
        return next(c for r, c in self.contents.items() if r.sop_uid == sop_uid)

    def read_instances(
        self, refs: Iterable[InstanceRef]
    ) -> Iterator[tuple[InstanceRef, bytes]]:
        for ref in refs:
            yield ref, self.contents[ref]


def _packed(tmp_path: Path, contents: list[bytes]) -> tuple[Path, dict, list]:
    revision = str(uuid4())
    with IsolatedDecoder() as decoder:
        build_pack(
            root=tmp_path,
            revision_id=revision,
            source_hash="x",
            source=Files(contents),
            decoder=decoder,
        )
    folder = tmp_path / revision
    index = json.loads((folder / "index.json").read_text())
    metadata = json.loads(gzip.decompress((folder / "metadata/0.json.gz").read_bytes()))
    return folder, index["series"][0], metadata


def _check(tmp_path: Path, contents: list[bytes]) -> None:
    folder, series, metadata = _packed(tmp_path, contents)
    views = sort_views(
        [
            view_instance(sop_uid=read_dataset(c).SOPInstanceUID, content=c)
            for c in contents
        ]
    )
    by_uid = {read_dataset(c).SOPInstanceUID: c for c in contents}
    assert [v.metadata for v in views] == metadata
    for view, entry in zip(views, series["instances"], strict=True):
        same = {k: v for k, v in entry.items() if k not in {"index", "bytes"}}
        assert {k: v for k, v in view.entry.items() if k != "bytes"} == same
        for number in range(1, entry["n_frames"] + 1):
            frame = read_frame(by_uid[entry["sop_uid"]], number=number)
            path = f"frames/{entry['sop_uid']}/{number}.{entry['ext']}"
            assert frame.codestream == (folder / path).read_bytes()


def test_a_shuffled_ct_series(tmp_path):
    contents = [to_bytes(dataset) for dataset in make_ct_series(n_slices=7)]
    _check(tmp_path, contents[3:] + contents[:3])


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_files(tmp_path, name):
    if not (SMALL / name).exists():
        pytest.skip("../shared/data is not here")
    _check(tmp_path, [(SMALL / name).read_bytes()])


def test_a_file_that_is_no_dicom_says_so():
    view = view_instance(sop_uid="1.2.3", content=b"not a DICOM file at all")
    assert view.entry["n_frames"] == 0
    assert view.entry["why_not"]
    assert view.metadata["00080018"]["Value"] == ["1.2.3"]


def test_a_frame_beyond_the_last_is_refused():
    content = to_bytes(make_ct_series(n_slices=1)[0])
    with pytest.raises(FrameError):
        read_frame(content, number=2)
