"""The ranking rule of STATISTICS, as tables and as properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.worklist.priority import AiInput, SitePolicy, compute_rank, explain
from apps.worklist.types import Band, BandSource

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POLICY = SitePolicy()
OFF = SitePolicy(ai_ordering=False)

acuities = st.sampled_from(["critical", "urgent", "routine"])
probabilities = st.floats(0, 1)
results = st.builds(
    AiInput, probability=probabilities, acuity=acuities, positive=st.booleans()
)
bands = st.sampled_from(list(Band))
ORDER = {"routine": 0, "urgent": 1, "critical": 2}


def rank(**kwargs):
    return compute_rank(arrived_at=NOON, policy=kwargs.pop("policy", POLICY), **kwargs)


def key(found, arrived_at=NOON):
    return found.key(arrived_at=arrived_at, item_id="x")


@pytest.mark.parametrize(
    ("ai", "clinician", "band", "source", "rank_class", "allowance_min"),
    [
        (None, None, Band.ROUTINE, BandSource.SITE_RULE, 2, 480 - 360 * 0.1 * 0.7),
        (
            AiInput(probability=0.5, acuity="urgent", positive=False),
            None,
            Band.ROUTINE,
            BandSource.SITE_RULE,
            2,
            480 - 360 * 0.5 * 0.7,
        ),
        (
            AiInput(probability=0.8, acuity="urgent", positive=True),
            None,
            Band.PRIORITY,
            BandSource.AI,
            2,
            120,
        ),
        (
            AiInput(probability=0.8, acuity="critical", positive=True),
            None,
            Band.STAT,
            BandSource.AI,
            1,
            30,
        ),
        (
            AiInput(probability=0.99, acuity="critical", positive=True),
            Band.ROUTINE,
            Band.ROUTINE,
            BandSource.CLINICIAN,
            2,
            480,
        ),
        (None, Band.STAT, Band.STAT, BandSource.CLINICIAN, 0, 30),
        (None, Band.PRIORITY, Band.PRIORITY, BandSource.CLINICIAN, 2, 120),
    ],
)
def test_table(ai, clinician, band, source, rank_class, allowance_min):
    found = rank(ai=ai, clinician_band=clinician)
    assert found.band is band
    assert found.band_source is source
    assert found.rank_class == rank_class
    assert found.allowance_s == pytest.approx(allowance_min * 60)
    assert found.due_at == NOON + timedelta(seconds=found.allowance_s)
    assert found.deadline_at == NOON + timedelta(seconds=POLICY.deadline_s(band))


@given(results, probabilities)
def test_more_probability_never_ranks_lower(ai, other):
    low, high = sorted((ai.probability, other))
    less = AiInput(probability=low, acuity=ai.acuity, positive=ai.positive)
    more = AiInput(probability=high, acuity=ai.acuity, positive=ai.positive)
    assert key(rank(ai=more)) <= key(rank(ai=less))


@given(results)
def test_crossing_the_threshold_never_ranks_lower(ai):
    below = AiInput(probability=ai.probability, acuity=ai.acuity, positive=False)
    above = AiInput(probability=ai.probability, acuity=ai.acuity, positive=True)
    assert key(rank(ai=above)) <= key(rank(ai=below))


@given(results, acuities)
def test_more_acuity_never_ranks_lower(ai, other):
    worse = max(ai.acuity, other, key=ORDER.__getitem__)
    milder = min(ai.acuity, other, key=ORDER.__getitem__)
    more = AiInput(probability=ai.probability, acuity=worse, positive=ai.positive)
    less = AiInput(probability=ai.probability, acuity=milder, positive=ai.positive)
    assert key(rank(ai=more)) <= key(rank(ai=less))


@given(st.one_of(st.none(), results), st.integers(1, 86_400))
def test_an_earlier_arrival_never_ranks_lower(ai, seconds):
    earlier = NOON - timedelta(seconds=seconds)
    before = compute_rank(arrived_at=earlier, policy=POLICY, ai=ai)
    after = compute_rank(arrived_at=NOON, policy=POLICY, ai=ai)
    assert key(before, earlier) < key(after)


@given(results)
def test_nothing_is_due_after_its_deadline(ai):
    found = rank(ai=ai)
    assert found.due_at <= found.deadline_at


@given(results)
def test_missing_ai_is_never_last(ai):
    unlikely = AiInput(probability=0.0, acuity=ai.acuity, positive=False)
    assert key(rank(ai=None)) < key(rank(ai=unlikely))


@given(results, st.one_of(st.none(), bands))
def test_the_ai_never_moves_a_clinicians_band(ai, band):
    if band is None:
        return
    assert rank(ai=ai, clinician_band=band) == rank(clinician_band=band)


def test_a_clinicians_stat_comes_before_the_ais_even_when_younger():
    younger = compute_rank(
        arrived_at=NOON + timedelta(hours=1), policy=POLICY, clinician_band=Band.STAT
    )
    ai = AiInput(probability=1.0, acuity="critical", positive=True)
    assert key(younger, NOON + timedelta(hours=1)) < key(rank(ai=ai))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 100_000),
            st.one_of(st.none(), results),
            st.one_of(st.none(), bands),
        ),
        max_size=30,
    )
)
def test_switched_off_is_first_in_first_out_within_the_clinicians_bands(items):
    level = {Band.STAT: 0, Band.PRIORITY: 1, Band.ROUTINE: 2, None: 2}

    def by_rule(item):
        arrived = NOON + timedelta(seconds=item[0])
        found = compute_rank(
            arrived_at=arrived, policy=OFF, ai=item[1], clinician_band=item[2]
        )
        return found.key(arrived_at=arrived, item_id="")

    expected = sorted(items, key=lambda item: (level[item[2]], item[0]))
    found = sorted(items, key=by_rule)
    assert [(level[i[2]], i[0]) for i in found] == [
        (level[i[2]], i[0]) for i in expected
    ]


@pytest.mark.parametrize("ai_ordering", [True, False])
@pytest.mark.parametrize("band", [None, *Band])
@pytest.mark.parametrize(
    "ai", [None, AiInput(probability=0.9, acuity="critical", positive=True)]
)
def test_every_rank_explains_itself(ai_ordering, band, ai):
    policy = SitePolicy(ai_ordering=ai_ordering)
    found = rank(policy=policy, ai=ai, clinician_band=band)
    lines = explain(
        rank=found, policy=policy, acuity="critical", model="m 1", reason="asked"
    )
    assert len(lines) >= 2
    assert any(found.band.value in line for line in lines)
    if found.band_source is BandSource.AI:
        assert any("AI, m 1, requires review" in line for line in lines)
