"""A department of any size in a database of its own, written by SQL.

A million studies through the portal's own verbs would take hours and measure
nothing; what the list reads is the same rows. They are kept: a database that was
filled once is used again (`listing_<studies>` in the stack's own cluster).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.server import schema_hash

ROOT = Path(__file__).parents[3]
SITES, USERS, OPEN = 4, 200, 20_000
_SHAPE = "1"  # another number: databases of an older shape are made anew

_PEOPLE = """
INSERT INTO accounts_site (id, created_at, updated_at, name, code, stat_deadline_s,
    priority_deadline_s, routine_deadline_s, base_rate, stat_in_a_row, ai_ordering,
    critical_weight, urgent_weight, routine_weight)
SELECT md5('site' || s)::uuid, now(), now(), 'Bench ' || s, 'bench' || s, 1800, 7200,
    28800, .1, 3, true, 1, .7, .3 FROM generate_series(1, {sites}) s;
INSERT INTO accounts_user (id, password, is_superuser, username, display_name, email,
    is_active, password_is_temporary, created_at, updated_at)
SELECT md5('user' || u)::uuid, '!', false, 'bench' || u, 'Dr. Bench ' || u, '', true,
    false,
    now(), now() FROM generate_series(1, {users}) u;
INSERT INTO accounts_membership (id, created_at, updated_at, user_id, site_id, role)
SELECT gen_random_uuid(), now(), now(), md5('user' || u)::uuid,
    md5('site' || s)::uuid, 'radiologist'
FROM generate_series(1, {users}) u, generate_series(1, {sites}) s
WHERE s = 1 + u % {sites} OR u % 10 = 0;
INSERT INTO annotations_readingprotocol (id, created_at, updated_at, site_id, code,
    name, modality, version, display_mode, n_readers, labels)
SELECT md5('protocol' || s)::uuid, now(), now(), md5('site' || s)::uuid, 'clinical',
    'Clinical', '', 1, 'concurrent', 1, '[]' FROM generate_series(1, {sites}) s;
"""

_STUDIES = """
CREATE TEMP TABLE bench AS
SELECT n, 1 + n % {sites} AS site, n % ({studies} / 3 + 1) AS patient,
    n > {studies} - {opened} AS waits,
    CASE WHEN n > {studies} - {opened}
        THEN now() - (({studies} - n)::float / {opened}) * interval '20 hours'
        ELSE now() - interval '1 day' - ({studies} - n) * interval '40 seconds'
    END AS arrived,
    (ARRAY['CT','DX','MR','US','MG','CR'])[1 + n % 6] AS modality,
    (ARRAY['CHEST','HEAD','ABDOMEN','KNEE','BREAST'])[1 + (n / 6) % 5] AS part,
    ((n::bigint * 7919) % 1000) / 1000.0 AS p
FROM generate_series(1, {studies}) n;
INSERT INTO studies_patient (id, created_at, updated_at, site_id, identity_key, issuer,
    patient_id, name, sex)
SELECT DISTINCT ON (patient) md5('patient' || patient)::uuid, now(), now(),
    md5('site' || site)::uuid, 'B' || patient, '', 'B' || patient,
    initcap(substr(md5(patient::text), 1, 8)) || ', '
        || substr(md5('g' || patient), 1, 5),
    (ARRAY['F','M'])[1 + patient % 2]
FROM bench ORDER BY patient, n;
INSERT INTO studies_study (id, created_at, updated_at, site_id, patient_id, study_uid,
    archive_id, accession_number, accession_issuer, referring_physician, description,
    study_date, modalities, body_part, station, patient_age_text, archive_updated,
    called_aet, calling_aet, arrived_at, generation)
SELECT md5('study' || n)::uuid, now(), now(), md5('site' || site)::uuid,
    md5('patient' || patient)::uuid, '1.2.826.0.1.77.' || n, md5('a' || n), 'A' || n,
    '', '', initcap(part) || ' ' || modality || ' protocol ' || n % 40, arrived::date,
    ARRAY[modality], part, modality || '-' || n % 12, (20 + n % 70) || ' y', '', '',
    '', arrived, 0 FROM bench;
INSERT INTO studies_studyrevision (id, created_at, updated_at, study_id, number,
    image_hash, n_images, series, withheld, arrived_at, pack_state, pack_reason,
    pack_attempts)
SELECT md5('revision' || n)::uuid, now(), now(), md5('study' || n)::uuid, 1,
    md5('h' || n), 240, jsonb_build_array(
        jsonb_build_object('uid', '1.2.826.0.1.78.' || n, 'number', 1, 'modality',
            modality, 'description', 'Series', 'body_part', part, 'laterality', '',
            'n_instances', 120, 'plane', 'axial', 'views', '[]'::jsonb),
        jsonb_build_object('uid', '1.2.826.0.1.79.' || n, 'number', 2, 'modality',
            modality, 'description', 'Series', 'body_part', part, 'laterality', '',
            'n_instances', 120, 'plane', 'axial', 'views', '[]'::jsonb)),
    '[]', arrived, 'ready', '', 0 FROM bench;
INSERT INTO worklist_case (id, created_at, updated_at, revision_id, protocol_id)
SELECT md5('case' || n)::uuid, now(), now(), md5('revision' || n)::uuid,
    md5('protocol' || site)::uuid FROM bench;
INSERT INTO worklist_workitem (id, created_at, updated_at, case_id, site_id, study_id,
    shows_ai, list_patient, list_study, list_modality, list_modalities, list_body_part,
    list_words, slot, reason, state, version, arrived_at, band, band_source,
    clinician_band, band_reason_code, band_reason_text, rank_class, sort_at, due_at,
    deadline_at, allowance_s, ai_state, ai_reason, ai_label, ai_probability,
    ai_threshold, ai_acuity, ai_positive, ai_n_more, ai_model_name, ai_model_version,
    tier, lease_number, done_at, cancelled_reason, withdrawn)
SELECT md5('item' || n)::uuid, now(), now(), md5('case' || n)::uuid, s.site_id, s.id,
    true, lower(t.name), lower(s.description), lower(modality), s.modalities, part,
    lower(concat_ws(E'\\n', t.name, t.patient_id, s.accession_number, s.description)),
    1, 'clinical', CASE WHEN waits THEN 'open' ELSE 'done' END, 1, arrived, band,
    CASE WHEN band = 'ROUTINE' THEN 'site_rule' ELSE 'ai' END, '', '', '',
    CASE WHEN band = 'STAT' THEN 1 ELSE 2 END, arrived + allowance, arrived + allowance,
    arrived + CASE band WHEN 'STAT' THEN interval '30 minutes'
        WHEN 'PRIORITY' THEN interval '2 hours' ELSE interval '8 hours' END,
    extract(epoch FROM allowance), 'done', '', 'Pneumonia', p, .9, 'urgent', p >= .9, 0,
    'bench-model', '1.0.0', '', 0, CASE WHEN waits THEN NULL ELSE arrived END, '', false
FROM (
    SELECT *, CASE WHEN p >= .98 THEN 'STAT' WHEN p >= .9 THEN 'PRIORITY'
            ELSE 'ROUTINE' END AS band,
        CASE WHEN p >= .98 THEN interval '30 minutes' WHEN p >= .9
            THEN interval '2 hours' ELSE interval '8 hours' - p * interval '4 hours'
        END AS allowance
    FROM bench
) b
JOIN studies_study s ON s.id = md5('study' || n)::uuid
JOIN studies_patient t ON t.id = s.patient_id;
INSERT INTO core_sitesequence (site_id, last)
SELECT md5('site' || s)::uuid, 0 FROM generate_series(1, {sites}) s;
"""


@dataclass(frozen=True)
class Database:
    """One filled database.

    Attributes:
        studies: How many it has.
        opened: How many of them are on the list.
        url: For the application role.
        owner_url: For the owner role.
        seconds: What filling it took; 0 when it was there.
    """

    studies: int
    opened: int
    url: str
    owner_url: str
    seconds: float


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _superuser(state: Path) -> str:
    secrets = json.loads((state / "secrets.json").read_text())
    parts = urlsplit(os.environ["DATABASE_OWNER_URL"])
    login = f"postgres:{secrets['postgres_superuser']}@{parts.hostname}:{parts.port}"
    return f"postgresql://{login}/postgres"


def _manage(database: str, *words: str) -> None:
    env = {**os.environ, "DATABASE_URL": database, "DATABASE_OWNER_URL": database}
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        check=True,
        env=env,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )


def fill(*, state: Path, studies: int) -> Database:
    """Return a database of so many studies, filled now if it is not there yet."""
    name = f"listing_{studies}_{_SHAPE}"
    owner = _named(os.environ["DATABASE_OWNER_URL"], name)
    app = _named(os.environ["DATABASE_URL"], name)
    opened = min(OPEN, studies)
    done = Database(
        studies=studies, opened=opened, url=app, owner_url=owner, seconds=0.0
    )
    superuser = _superuser(state)
    mark = state / f"{name}.filled"
    with psycopg.connect(superuser, autocommit=True) as admin:
        there = admin.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if there and mark.exists():
            if mark.read_text() != schema_hash():
                _manage(owner, "migrate", "--no-input")
                _manage(owner, "grant_app_role")
                mark.write_text(schema_hash())
            return done
        identifier = sql.Identifier(name)
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(identifier))
        role = sql.Identifier(urlsplit(owner).username or "")
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, role))
    _manage(owner, "migrate", "--no-input")
    _manage(owner, "grant_app_role")
    seconds = _write(_named(superuser, name), studies=studies, opened=opened)
    mark.write_text(schema_hash())
    return Database(
        studies=studies, opened=opened, url=app, owner_url=owner, seconds=seconds
    )


def _write(url: str, *, studies: int, opened: int) -> float:
    numbers = {"sites": SITES, "users": USERS, "studies": studies, "opened": opened}
    with psycopg.connect(url, autocommit=True) as connection:
        # Foreign keys hold by construction; asking a million times takes minutes.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET maintenance_work_mem = '256MB'")
        begun = connection.execute("SELECT clock_timestamp()").fetchone()
        for part in (_PEOPLE, _STUDIES):
            connection.execute(part.format(**numbers))  # type: ignore[call-overload]
        connection.execute("VACUUM ANALYZE")
        ended = connection.execute("SELECT clock_timestamp()").fetchone()
    return (ended[0] - begun[0]).total_seconds() if begun and ended else 0.0


def freshen(database: Database) -> None:
    """Let the open items have arrived lately, however old the database is."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT now() - max(arrived_at) FROM worklist_workitem WHERE state = 'open'"
        ).fetchone()
        if row is None or row[0] is None or row[0].total_seconds() < 3600:
            return
        connection.execute(
            """UPDATE worklist_workitem SET arrived_at = arrived_at + %(by)s,
                sort_at = sort_at + %(by)s, due_at = due_at + %(by)s,
                deadline_at = deadline_at + %(by)s WHERE state = 'open'""",
            {"by": row[0]},
        )
        connection.execute("VACUUM ANALYZE worklist_workitem")
