"""The archive's client against a real Orthanc."""

import datetime as dt
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from apps.interop.archive_log import parse_arrivals
from apps.interop.dicom.headers import AcceptedFile, classify_file, read_part10
from apps.interop.orthanc import (
    Archive,
    ArchiveRefused,
    ArchiveUnavailable,
    NotInArchive,
    orthanc_instance_id,
)
from apps.interop.types import Change, ChangePage, image_hash_of
from tests.fakes.dicom_files import make_dx


def wait_until_stable(archive: Archive, *, since: int, n: int = 1) -> list[str]:
    """Read arrivals until n studies became stable."""
    found: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        arrivals = archive.stable_studies(since=since)
        found += arrivals.study_ids
        since = arrivals.cursor
        if len(set(found)) >= n:
            return found
        time.sleep(0.2)
    raise AssertionError("no study became stable")


def test_ping_and_statistics(archive):
    before = archive.statistics().instances
    archive.upload(make_dx())

    assert archive.ping().split(".")[0].isdigit()
    assert archive.statistics().instances == before + 1


def test_upload_twice_stores_once_and_gives_the_bytes_back(archive):
    content = make_dx(study_uid="1.2.3", series_uid="1.2.4", sop_uid="1.2.5")

    first = archive.upload(content)
    again = archive.upload(content)

    assert (first.status, again.status) == ("stored", "already")
    assert again.instance_id == first.instance_id
    assert first.instance_id == orthanc_instance_id(
        patient_id="P-1", study_uid="1.2.3", series_uid="1.2.4", sop_uid="1.2.5"
    )
    assert archive.fetch_instance(first.instance_id) == content
    with archive.stream_instance(first.instance_id) as pieces:
        assert b"".join(pieces) == content
    assert archive.find_study("1.2.3") == first.study_id
    assert archive.find_instance("1.2.5") == first.instance_id
    assert archive.find_instance("1.2.6") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "Bad file format"),
        (b"PK\x03\x04 and more", "ZIP"),
    ],
)
def test_what_is_no_dicom_file_is_refused_in_words(archive, content, words):
    with pytest.raises(ArchiveRefused, match=words):
        archive.upload(content)


def test_missing_things(archive):
    with pytest.raises(NotInArchive):
        archive.fetch_instance("nothing-here")
    with pytest.raises(NotInArchive), archive.stream_instance("nothing-here"):
        pass
    with pytest.raises(NotInArchive):
        archive.study_header("nothing-here")
    archive.delete_study("nothing-here")
    archive.delete_instance("nothing-here")


def test_delete(archive):
    stored = archive.upload(make_dx())
    archive.delete_instance(stored.instance_id)

    assert list(archive.all_study_ids()) == []


def test_nobody_home(unused_port):
    with Archive(f"http://127.0.0.1:{unused_port}", "a", "b") as archive:
        with pytest.raises(ArchiveUnavailable, match="does not answer"):
            archive.ping()
        with pytest.raises(ArchiveUnavailable, match="does not answer"):
            archive.find_study("1.2.3")


@pytest.fixture
def unused_port() -> int:
    return 9  # "discard": nothing listens there


def test_wrong_password(orthanc):
    with Archive(orthanc.url, orthanc.user, "wrong") as archive:
        with pytest.raises(ArchiveRefused, match="login"):
            archive.ping()
        with pytest.raises(ArchiveRefused, match="login"):
            archive.statistics()


def test_a_connection_that_idled_away_is_no_error(archive):
    archive.ping()
    time.sleep(1.3)
    archive.ping()
    archive.statistics()
    time.sleep(1.3)
    archive.statistics()


def test_a_connection_cut_by_the_server_is_tried_once_more():
    answers = iter([httpx.RemoteProtocolError("gone"), None])

    def answer(request: httpx.Request) -> httpx.Response:
        error = next(answers)
        if error:
            raise error
        return httpx.Response(200, json={"Version": "1"})

    archive = Archive("http://archive", "a", "b")
    archive._http = httpx.Client(
        base_url="http://archive/", transport=httpx.MockTransport(answer)
    )
    assert archive.ping() == "1"


def test_the_same_film_from_many_threads_is_stored_once(archive):
    content = make_dx()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(archive.upload, [content] * 24))

    assert sum(o.status == "stored" for o in outcomes) == 1
    assert len({o.instance_id for o in outcomes}) == 1


class _Flaky(BaseHTTPRequestHandler):
    """Answers each POST with the next planned status."""

    plan: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status = self.plan.pop(0) if self.plan else 503
        body = b'{"Status": "Success", "ID": "i", "Message": "m"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def flaky() -> Iterator[Archive]:
    """An archive that answers what `_Flaky.plan` says."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Archive(f"http://127.0.0.1:{server.server_port}", "a", "b") as client:
        yield client
    server.shutdown()


def test_a_conflict_with_another_upload_is_tried_again(flaky):
    _Flaky.plan = [409, 200]
    assert flaky.upload(make_dx()).status == "stored"
    _Flaky.plan = [409, 409]
    with pytest.raises(ArchiveRefused):
        flaky.upload(make_dx())


def test_a_busy_archive_is_unavailable_not_refused(flaky):
    _Flaky.plan = []
    with pytest.raises(ArchiveUnavailable):
        flaky.upload(make_dx())


def test_an_error_is_asked_about_again_before_it_is_believed(flaky):
    _Flaky.plan = [500, 503, 200]
    assert flaky.upload(make_dx()).status == "stored"
    _Flaky.plan = [500, 500, 500, 200]
    with pytest.raises(ArchiveRefused):
        flaky.upload(make_dx())


def test_reading_is_patient_with_errors_and_not_with_refusals():
    plan = [500, 503, 200, 404, 200]
    archive = Archive("http://archive", "a", "b")
    archive._http = httpx.Client(
        base_url="http://archive/",
        transport=httpx.MockTransport(
            lambda _: httpx.Response(plan.pop(0), json={"Version": "1"})
        ),
    )
    assert archive.ping() == "1"
    with pytest.raises(NotInArchive):
        archive.ping()
    assert plan == [200]


def test_something_else_at_the_address():
    archive = Archive("http://archive", "a", "b")
    archive._http = httpx.Client(
        base_url="http://archive/",
        transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")),
    )
    with pytest.raises(ArchiveUnavailable, match="not Orthanc"):
        archive.ping()


def test_modalities_and_a_send_that_fails(archive):
    stored = archive.upload(make_dx())

    assert archive.modalities() == ("elsewhere",)
    with pytest.raises(ArchiveRefused):
        archive.send_to_modality(name="elsewhere", orthanc_ids=[stored.instance_id])


# ---------------------------------------------------------------- what arrived


def test_a_study_becomes_stable_once_and_again_when_more_comes(archive):
    start = archive.last_change_seq()
    first = archive.upload(make_dx(study_uid="1.2.30", series_uid="1.2.31"))
    assert wait_until_stable(archive, since=start) == [first.study_id]

    middle = archive.last_change_seq()
    archive.upload(make_dx(study_uid="1.2.30", series_uid="1.2.31", view="LL"))
    assert wait_until_stable(archive, since=middle) == [first.study_id]

    whole = archive.stable_studies(since=start)
    assert whole.study_ids == (first.study_id,)
    assert whole.done
    assert not whole.history_lost


def test_reading_in_small_pages_gives_the_same(archive):
    start = archive.last_change_seq()
    for _ in range(4):
        archive.upload(make_dx())
    wait_until_stable(archive, since=start, n=4)

    whole = archive.stable_studies(since=start)
    found, cursor, done = [], start, False
    while not done:
        page = archive.stable_studies(since=cursor, limit=3)
        assert not page.history_lost
        found += page.study_ids
        cursor, done = page.cursor, page.done
    assert found == list(whole.study_ids)
    assert len(found) == 4
    assert cursor == whole.cursor == archive.last_change_seq()


def test_a_cleared_log_is_noticed_once(archive):
    start = archive.last_change_seq()
    archive.upload(make_dx())
    study = wait_until_stable(archive, since=start)
    cursor = archive.last_change_seq()

    missed = archive.upload(make_dx())
    wait_until_stable(archive, since=cursor)
    archive.clear_change_log()

    lost = archive.stable_studies(since=cursor)
    assert lost.history_lost
    assert missed.study_id not in lost.study_ids
    assert set(archive.all_study_ids()) == {*study, missed.study_id}
    after = archive.stable_studies(since=lost.cursor)
    assert not after.history_lost

    late = archive.upload(make_dx())
    assert wait_until_stable(archive, since=after.cursor) == [late.study_id]


def test_a_log_cleared_when_all_was_read_loses_nothing(archive):
    start = archive.last_change_seq()
    archive.upload(make_dx())
    wait_until_stable(archive, since=start)
    time.sleep(0.5)
    cursor = archive.last_change_seq()
    archive.clear_change_log()

    assert not archive.stable_studies(since=cursor).history_lost
    stored = archive.upload(make_dx())
    assert wait_until_stable(archive, since=cursor) == [stored.study_id]


def test_a_new_archive_behind_an_old_cursor_is_noticed(archive):
    assert archive.stable_studies(since=archive.last_change_seq() + 999).history_lost


def test_a_deleted_study_does_not_look_like_a_cleared_log(archive):
    first = archive.upload(make_dx())
    start = archive.last_change_seq()
    gone = archive.upload(make_dx())
    kept = archive.upload(make_dx())
    archive.delete_study(gone.study_id)

    arrivals = archive.stable_studies(since=start)
    found = wait_until_stable(archive, since=start, n=2)
    assert set(found) == {first.study_id, kept.study_id}
    assert not arrivals.history_lost


def change(seq: int, kind: str = "StableStudy", study: str = "a") -> Change:
    return Change(seq, kind, "Study", study, None)


@pytest.mark.parametrize(
    ("page", "since", "ids", "lost"),
    [
        (ChangePage((), 0, True), 0, (), False),
        (ChangePage((change(7),), 7, True), 0, ("a",), False),
        (ChangePage((change(5), change(9)), 9, True), 5, ("a",), False),
        (ChangePage((change(6),), 6, True), 5, ("a",), False),
        (ChangePage((change(8),), 8, True), 5, ("a",), True),
        (ChangePage((), 9, True), 5, (), True),
        (ChangePage((), 5, True), 5, (), False),
        (ChangePage((), 3, True), 5, (), True),
        (
            ChangePage(
                (change(5), change(6, study="b"), change(7), change(8, study="b")),
                8,
                False,
            ),
            5,
            ("a", "b"),
            False,
        ),
        (ChangePage((change(6, kind="NewInstance"),), 6, True), 5, (), False),
    ],
)
def test_what_a_page_of_the_log_means(page, since, ids, lost):
    arrivals = parse_arrivals(page, since=since)

    assert arrivals.study_ids == ids
    assert arrivals.history_lost is lost
    assert arrivals.cursor == page.last


def test_all_studies_in_pages(archive):
    stored = {archive.upload(make_dx()).study_id for _ in range(5)}

    summaries = list(archive.all_studies(page=2))
    assert {s.orthanc_id for s in summaries} == stored
    assert set(archive.all_study_ids(page=2)) == stored
    assert all(s.study_uid and s.last_update for s in summaries)


# ---------------------------------------------------------------- what a study is


def test_header_of_a_paediatric_film(archive):
    stored = archive.upload(make_dx(study_uid="1.2.40", series_uid="1.2.41"))
    archive.upload(
        make_dx(study_uid="1.2.40", series_uid="1.2.41", view="LL", number=2)
    )

    header = archive.study_header(stored.study_id)

    assert header.study_uid == "1.2.40"
    patient = header.patient
    assert (patient.id, patient.issuer, patient.sex) == ("P-1", "CITY", "F")
    assert patient.name == "Müller, Zoë"
    assert patient.dicom_name == "Müller^Zoë"
    assert patient.birth_date == dt.date(2023, 2, 14)
    assert (header.patient_age_text, header.patient_age_years) == ("2 y", 2.0)
    assert header.accession_number == "A-4711"
    assert header.study_date == dt.date(2026, 1, 5)
    assert header.study_time == dt.time(9, 15)
    assert header.description == "Chest"
    assert header.referring_physician == "House, Gregory"
    assert header.institution == "Children's Hospital"
    assert (header.body_part, header.station) == ("CHEST", "XR2")
    assert header.modalities == ("DX",)
    assert header.view_positions == ("AP", "LL")
    assert (header.called_aet, header.calling_aet) == ("", "")
    assert header.origin == "rest"
    assert not header.written_by_overread
    (series,) = header.series
    assert (series.manufacturer, series.model_name) == ("Acme", "Film 3")
    assert [i.index for i in series.instances] == [1, 2]
    assert all(i.is_image and i.size > 6000 for i in series.instances)
    assert header.image_hash == image_hash_of(reversed(header.image_sop_uids))


def test_a_series_is_synthetic_when_all_that_was_looked_into_is(archive):
    for study_uid, second, expected in (
        ("1.2.45", {"SyntheticData": "YES"}, True),
        ("1.2.46", {"SyntheticData": "NO"}, False),
        ("1.2.47", {}, False),
    ):
        archive.upload(
            make_dx(study_uid=study_uid, series_uid="1.2.8", SyntheticData="YES")
        )
        stored = archive.upload(
            make_dx(
                study_uid=study_uid, series_uid="1.2.8", view="LL", number=2, **second
            )
        )
        (series,) = archive.study_header(stored.study_id).series
        assert series.is_synthetic is expected, study_uid


def test_frames_are_counted_before_anything_is_read(archive):
    loop = archive.upload(make_dx(study_uid="1.2.48", NumberOfFrames="30"))
    still = make_dx(study_uid="1.2.48", series_uid="1.2.49", number=2)
    archive.upload(still)

    counts = {
        tuple(i.n_frames for i in series.instances)
        for series in archive.study_header(loop.study_id).series
    }
    assert counts == {(30,), (1,)}


def test_header_of_a_study_that_was_sent_by_c_store(archive, orthanc, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(make_dx(study_uid="1.2.50"))
    command = ["storescu", "-aet", "ROOM2", "-aec", "SITE_A", "127.0.0.1"]
    command += [str(orthanc.dicom_port), str(path)]
    subprocess.run(command, check=True)

    study_id = archive.find_study("1.2.50")
    assert study_id is not None
    header = archive.study_header(study_id)
    assert (header.called_aet, header.calling_aet) == ("SITE_A", "ROOM2")
    assert header.origin == "dicom"


def test_a_private_class_counts_as_image_only_with_pixels(archive):
    private = "1.3.12.2.1107.5.9.1"
    with_pixels = archive.upload(make_dx(SOPClassUID=private))
    without = archive.upload(
        make_dx(SOPClassUID=private, PixelData=None, Rows=None, Columns=None)
    )

    assert len(archive.study_header(with_pixels.study_id).image_sop_uids) == 1
    assert archive.study_header(without.study_id).image_sop_uids == ()


def import_all(archive: Archive, folder: Path) -> tuple[int, list[str]]:
    """Upload what is acceptable; give how many were taken and who was refused."""
    found = [classify_file(p) for p in sorted(folder.rglob("*")) if p.is_file()]
    taken, refused = 0, []
    for file in found:
        if not isinstance(file, AcceptedFile):
            continue
        try:
            archive.upload(read_part10(file))
            taken += 1
        except ArchiveRefused:
            refused.append(file.path.name)
    return taken, refused


@pytest.mark.real_data
def test_header_of_a_real_ct_with_anothers_report(archive, shared_data):
    n, _ = import_all(archive, shared_data / "ct_chest_nlst_143")
    (study_id,) = archive.all_study_ids()

    took = []
    for _ in range(3):
        began = time.perf_counter()
        header = archive.study_header(study_id)
        took.append(time.perf_counter() - began)

    assert n == 144
    assert len(header.image_sop_uids) == 143
    assert header.modalities == ("CT",)
    assert [s.modality for s in header.series if not s.is_image] == ["SR"]
    assert header.patient.birth_date is None
    assert header.patient_age_text == ""
    assert min(took) < 0.5


@pytest.mark.real_data
def test_headers_of_odd_files(archive, shared_data):
    n, refused = import_all(archive, shared_data / "dicom_small")
    headers = [archive.study_header(i) for i in archive.all_study_ids()]

    assert (n, refused) == (170, ["SC_rgb_jpeg.dcm"])  # says JPEG, is implicit
    assert len(headers) > 40
    stored = sum(len(s.instances) for h in headers for s in h.series)
    assert stored == archive.statistics().instances
    for header in headers:
        kinds = {s.modality for s in header.image_series}
        assert not kinds & {"SR", "SEG", "PR", "KO", "RTPLAN", "RTSTRUCT", "ECG"}
        assert all(i.sop_uid for s in header.series for i in s.instances)
        years = header.patient_age_years
        assert years is None or 0 <= years < 130
