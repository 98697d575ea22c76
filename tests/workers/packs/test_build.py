"""A pack is complete or absent; what is damaged is named and stops nobody."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.factories.dicom import make_ct_series, make_dx, to_bytes
from workers.packs.build import build_pack, read_summary
from workers.packs.isolation import DecodingError, IsolatedDecoder
from workers.packs.layout import belongs_in_pack, frame_path, pack_folder
from workers.packs.source import InstanceRef

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SR = "1.2.840.10008.5.1.4.1.1.88.34"
PM = "1.2.840.10008.5.1.4.1.1.30"


class Source:
    """Instances in memory, counting reads."""

    def __init__(self, datasets, *, damaged=()):
        self.files = {}
        self.refs = []
        self.reads = 0
        for dataset in datasets:
            uid = str(dataset.SOPInstanceUID)
            content = to_bytes(dataset)
            self.files[uid] = (
                content[: len(content) // 2] if uid in damaged else content
            )
            self.refs.append(
                InstanceRef(
                    sop_uid=uid,
                    series_uid=str(dataset.SeriesInstanceUID),
                    sop_class_uid=str(dataset.SOPClassUID),
                    size=len(content),
                )
            )

    def list_instances(self):
        return list(self.refs)

    def read_instance(self, sop_uid):
        self.reads += 1
        return self.files[sop_uid]

    def read_instances(self, refs):
        for ref in refs:
            yield ref, self.read_instance(ref.sop_uid)


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder() as found:
        yield found


def build(root, source, decoder, *, revision=None, source_hash="h1"):
    revision = revision or str(uuid.uuid4())
    summary = build_pack(
        root=root,
        revision_id=revision,
        source_hash=source_hash,
        source=source,
        decoder=decoder,
    )
    folder = pack_folder(root, revision_id=revision)
    return summary, folder, json.loads((folder / "index.json").read_text())


def series_json(folder, index):
    return json.loads(
        gzip.decompress((folder / f"metadata/{index}.json.gz").read_bytes())
    )


def test_a_pack_is_what_the_architecture_says(tmp_path, decoder):
    ct = make_ct_series(n_slices=4)
    film = make_dx(np.arange(40000, dtype=np.uint16).reshape(200, 200))
    summary, folder, index = build(tmp_path, Source([film, *ct]), decoder)

    assert (summary.n_series, summary.n_instances, summary.n_frames) == (2, 5, 5)
    assert index["version"] == 1
    assert index["revision_id"] == folder.name
    assert [series["number"] for series in index["series"]] == [1, 2]
    assert [series["modality"] for series in index["series"]] == ["DX", "CT"]
    assert sorted(p.name for p in folder.iterdir()) == [
        "frames",
        "index.json",
        "metadata",
        "thumbs",
    ]
    # The modality numbers its images one way along the body or the other.
    by_height = sorted(ct, key=lambda d: d.ImagePositionPatient[2])
    if by_height[0].InstanceNumber > by_height[-1].InstanceNumber:
        by_height.reverse()
    entries = index["series"][1]["instances"]
    assert [entry["sop_uid"] for entry in entries] == [
        d.SOPInstanceUID for d in by_height
    ]
    for number, entry in enumerate(entries):
        assert entry["index"] == number
        assert (entry["rows"], entry["columns"], entry["n_frames"]) == (64, 64, 1)
        path = folder / frame_path(sop_uid=entry["sop_uid"], frame=1, ext=entry["ext"])
        assert path.read_bytes() == by_height[number].PixelData
        assert entry["bytes"] == path.stat().st_size
    told = series_json(folder, 1)
    assert [d["00080018"]["Value"][0] for d in told] == [e["sop_uid"] for e in entries]
    picture = Image.open(io.BytesIO((folder / "thumbs/0.jpg").read_bytes()))
    assert picture.size == (200, 200)


def test_a_pack_is_built_once(tmp_path, decoder):
    source = Source(make_ct_series(n_slices=2))
    first, folder, _ = build(tmp_path, source, decoder)
    reads = source.reads
    again, _, _ = build(tmp_path, source, decoder, revision=folder.name)
    assert again == first
    assert source.reads == reads
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_another_source_makes_it_anew(tmp_path, decoder):
    ct = make_ct_series(n_slices=3)
    _, folder, _ = build(tmp_path, Source(ct[:2]), decoder)
    summary, _, index = build(
        tmp_path, Source(ct), decoder, revision=folder.name, source_hash="h2"
    )
    assert summary.n_instances == 3
    assert index["source_hash"] == "h2"
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_damaged_instance_does_not_stop_its_neighbours(tmp_path, decoder):
    ct = make_ct_series(n_slices=3)
    bad = str(ct[1].SOPInstanceUID)
    source = Source(ct, damaged={bad})
    source.files[str(ct[2].SOPInstanceUID)] = b"this is no DICOM file" * 20
    summary, folder, index = build(tmp_path, source, decoder)
    (series,) = index["series"]
    assert summary.n_frames == 1
    assert series["displayable"] is True
    whys = {e["sop_uid"]: e.get("why_not", "") for e in series["instances"]}
    assert "incomplete" in whys[bad]
    assert whys[str(ct[2].SOPInstanceUID)]
    assert not whys[str(ct[0].SOPInstanceUID)]
    assert len(series_json(folder, 0)) == 3
    assert not (folder / "frames" / bad).exists()


def test_a_series_of_which_nothing_shows_says_why(tmp_path, decoder):
    film = make_dx(np.zeros((130, 130), np.uint8))
    film.PhotometricInterpretation = "HSV"
    _, folder, index = build(tmp_path, Source([film]), decoder)
    assert index["series"][0]["displayable"] is False
    assert "HSV" in index["series"][0]["why_not"]
    assert not (folder / "thumbs/0.jpg").exists()


def test_another_instances_file_is_not_taken(tmp_path, decoder):
    one, other = make_ct_series(n_slices=2)
    source = Source([one, other])
    source.files[str(one.SOPInstanceUID)] = source.files[str(other.SOPInstanceUID)]
    _, _, index = build(tmp_path, source, decoder)
    whys = {e["sop_uid"]: e.get("why_not", "") for e in index["series"][0]["instances"]}
    assert "another instance" in whys[str(one.SOPInstanceUID)]


@pytest.mark.parametrize("sop_class", [SEG, SR, PM])
def test_results_are_never_in_a_pack(tmp_path, decoder, sop_class):
    ct = make_ct_series(n_slices=1)
    result = make_dx(np.zeros((130, 130), np.uint8))
    result.SOPClassUID = result.file_meta.MediaStorageSOPClassUID = sop_class
    source = Source([*ct, result])
    summary, folder, _ = build(tmp_path, source, decoder)
    assert summary.n_series == 1
    assert str(result.SOPInstanceUID) not in os.listdir(folder / "frames")


def test_images_belong_in_packs():
    assert belongs_in_pack("1.2.840.10008.5.1.4.1.1.2")
    assert belongs_in_pack("1.2.840.10008.5.1.4.1.1.1.1")
    assert belongs_in_pack("1.2.840.10008.5.1.4.1.1.481.1")
    assert not belongs_in_pack("1.2.840.10008.5.1.4.1.1.481.3")
    assert not belongs_in_pack("1.2.840.10008.5.1.4.1.1.11.1")


def test_an_interrupted_build_leaves_nothing_under_the_name(tmp_path, decoder):
    class Failing(Source):
        def read_instances(self, refs):
            yield from list(super().read_instances(refs))[:1]
            raise OSError(28, "No space left on device")

    revision = str(uuid.uuid4())
    with pytest.raises(OSError, match="No space"):
        build(tmp_path, Failing(make_ct_series(n_slices=2)), decoder, revision=revision)
    assert list(tmp_path.iterdir()) == []
    assert read_summary(tmp_path / revision, source_hash="h1") is None


def test_leftovers_of_dead_workers_go(tmp_path, decoder):
    old = tmp_path / f".{uuid.uuid4()}.abc"
    young = tmp_path / f".{uuid.uuid4()}.def"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (time.time() - 9999, time.time() - 9999))
    build(tmp_path, Source(make_ct_series(n_slices=1)), decoder)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("name", ["../../etc", "a" * 36 + "/", "", "0" * 35 + "."])
def test_no_path_is_built_from_a_strange_id(tmp_path, name):
    with pytest.raises(ValueError, match="revision"):
        pack_folder(tmp_path, revision_id=name)
    with pytest.raises(ValueError, match="UID"):
        frame_path(sop_uid=name, frame=1, ext="raw")


# --- the decoding process


def compressed():
    imagecodecs = pytest.importorskip("imagecodecs")
    values = (np.arange(40000) % 30000).astype(np.uint16).reshape(200, 200)
    dataset = make_dx(values)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    stream = imagecodecs.jpeg2k_encode(values, level=0, codecformat="J2K")
    dataset.PixelData = _one_fragment(bytes(stream))
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return dataset, values


def _one_fragment(stream):
    stream += b"\0" * (len(stream) % 2)
    item = b"\xfe\xff\x00\xe0"
    return item + b"\0\0\0\0" + item + len(stream).to_bytes(4, "little") + stream


def test_what_browsers_would_show_wrongly_is_recoded(tmp_path, decoder):
    dataset, values = compressed()
    dataset.PixelRepresentation = 1  # the codestream says unsigned
    _, folder, index = build(tmp_path, Source([dataset]), decoder)
    entry = index["series"][0]["instances"][0]
    assert entry["ext"] == "jph"
    imagecodecs = pytest.importorskip("imagecodecs")
    path = folder / frame_path(sop_uid=entry["sop_uid"], frame=1, ext="jph")
    found = imagecodecs.htj2k_decode(path.read_bytes())
    assert (found.astype(np.int64) == values).all()


def test_a_crash_of_the_decoder_is_an_answer(decoder):
    content = to_bytes(make_dx(np.eye(200, dtype=np.uint8) * 200))
    assert decoder.render(content, frame=1).values.shape == (200, 200)
    process = decoder._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert decoder.render(content, frame=1).values.shape == (200, 200)


def test_a_crash_during_decoding_is_an_answer():
    with IsolatedDecoder() as decoder:
        content = to_bytes(make_dx(np.zeros((4000, 4000), np.uint16)))
        decoder.render(content, frame=1)
        pid = decoder._process.pid
        threading.Timer(0.05, os.kill, (pid, signal.SIGSEGV)).start()
        many = (decoder.render(content, frame=1) for _ in range(50))
        with pytest.raises(DecodingError, match="crashed"):
            list(many)
        assert decoder.render(content, frame=1).values.shape == (4000, 4000)


def test_a_hang_of_the_decoder_is_an_answer():
    with IsolatedDecoder(timeout_s=0.2) as decoder:
        content = to_bytes(make_dx(np.eye(200, dtype=np.uint8)))
        decoder.start()
        os.kill(decoder._process.pid, signal.SIGSTOP)
        with pytest.raises(DecodingError, match="too long"):
            decoder.render(content, frame=1)
        decoder.start()
        decoder._timeout_s = 8
        assert decoder.render(content, frame=1).values.shape == (200, 200)


def test_a_memory_bomb_stays_in_its_process():
    with IsolatedDecoder(memory_bytes=1500 << 20) as decoder:
        film = make_dx(np.zeros((12000, 12000), np.uint16))
        with pytest.raises(DecodingError):
            decoder.render(to_bytes(film), frame=1)


def test_the_decoding_process_knows_no_secret():
    os.environ["OVERREAD_TEST_SECRET"] = "do-not-pass-on"
    try:
        with IsolatedDecoder() as decoder:
            content = to_bytes(make_dx(np.eye(200, dtype=np.uint8)))
            decoder.render(content, frame=1)
            seen = Path(f"/proc/{decoder._process.pid}/environ").read_bytes()
    finally:
        del os.environ["OVERREAD_TEST_SECRET"]
    assert b"do-not-pass-on" not in seen


# --- what the pixels worker does not load


@pytest.mark.parametrize(
    "module",
    [
        "workers.contracts",
        "workers.packs.build",
        "workers.packs.child",
        "workers.portal_client",
        "workers.celery_pixels",
        "workers.tasks_pixels",
        "workers.tasks_segments",
        "workers.tasks_compare",
    ],
)
def test_no_torch_and_no_django(module):
    unwanted = ("torch", "monai", "apps", "portal")
    if "celery" not in module and "tasks" not in module:
        unwanted += ("django",)  # Celery itself loads it where it is installed
    code = f"import sys, {module}; print([m for m in {unwanted} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_reading_frames_needs_no_decoder_library():
    """The portal serves frames as stored without the pixels worker's packages."""
    code = (
        "import sys; gone = ['imagecodecs', 'gdcm', 'PIL'];"
        "sys.modules.update(dict.fromkeys(gone));"
        "import workers.packs.frames, workers.packs.metadata; print([])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
