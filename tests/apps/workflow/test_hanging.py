"""Which series goes where: tables of studies, without a database."""

from __future__ import annotations

import json

import pytest

from apps.interop.study_header import plane_of
from apps.workflow.hanging.choose import choose_hanging, list_shots, rule_for
from apps.workflow.hanging.defaults import BUILT_IN, LUNG, SOFT
from apps.workflow.hanging.presets import presets_for, read_presets
from apps.workflow.hanging.regions import region_of
from apps.workflow.hanging.saved import read_rules, write_rules
from apps.workflow.hanging.types import GreyWindow, Protocol, Scope, Shot


def stack(uid, modality="CT", description="", plane="axial", n=100, **more):
    return Shot(
        series_uid=uid,
        modality=modality,
        description=description,
        plane=plane,
        n_images=n,
        frame_of_reference_uid=more.pop("frame", "1.2"),
        **more,
    )


def film(uid, view="", laterality="", modality="DX", sop=""):
    return Shot(
        series_uid=uid, sop_uid=sop, modality=modality, view=view, laterality=laterality
    )


def hung(shots, region="", protocols=BUILT_IN):
    """Return the chosen protocol's id and what its viewports show."""
    chosen, _ = choose_hanging(protocols=protocols, shots=shots, region=region)
    assert chosen is not None
    return chosen.protocol.id, [
        (pane.shot.sop_uid or pane.shot.series_uid) if pane.shot else None
        for pane in chosen.panes
    ]


MAMMOGRAM = [
    film("lmlo", "MLO", "L", "MG"),
    film("rcc", "CC", "R", "MG"),
    film("rmlo", "MLO", "R", "MG"),
    film("lcc", "CC", "L", "MG"),
]


def test_a_mammogram_hangs_right_on_the_left_with_its_chest_walls_in_the_middle():
    chosen, _ = choose_hanging(protocols=BUILT_IN, shots=MAMMOGRAM, region="BREAST")
    assert chosen
    assert hung(MAMMOGRAM)[1] == ["rcc", "lcc", "rmlo", "lmlo"]
    assert [pane.lean for pane in chosen.panes] == ["right", "left", "right", "left"]


def test_a_mammogram_without_one_view_keeps_the_others_in_their_places():
    assert hung(MAMMOGRAM[:3]) == ("mg-four", ["rcc", None, "rmlo", "lmlo"])


def test_a_chest_film_pair_is_frontal_then_lateral_whatever_the_order():
    shots = [film("b", "LL"), film("a", "PA")]
    assert hung(shots, "CHEST") == ("film-pair", ["a", "b"])


def test_two_views_in_one_series_are_two_viewports():
    views = [
        {"sop_uid": "1.1", "view": "LL", "laterality": ""},
        {"sop_uid": "1.2", "view": "PA", "laterality": ""},
    ]
    shots = list_shots(
        [{"uid": "1", "modality": "CR", "n_instances": 2, "views": views}]
    )
    assert hung(shots) == ("film-pair", ["1.2", "1.1"])


def test_films_that_say_no_view_hang_beside_each_other():
    assert hung([film("a"), film("b")]) == ("film-two", ["a", "b"])
    assert hung([film("a", "PA")]) == ("one", ["a"])


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        # One kernel: the same stack twice, with two windows.
        ([stack("a", description="Chest 2.0 B30f")], ["a", "a"]),
        # The lung kernel goes to the lung window, the scout nowhere.
        (
            [
                stack("scout", n=2, is_localizer=True, plane="coronal"),
                stack("soft", description="Chest 2.0 B30f"),
                stack("lung", description="Chest LUNG 1.0"),
                stack("cor", description="Chest cor", plane="coronal", n=300),
            ],
            ["soft", "lung"],
        ),
        # The thin stack, not the thick one, is the main one.
        ([stack("thick", n=40), stack("thin", n=300)], ["thin", "thin"]),
    ],
)
def test_a_chest_ct_has_two_windows_side_by_side(series, expected):
    chosen, _ = choose_hanging(protocols=BUILT_IN, shots=series, region="CHEST")
    assert chosen
    assert hung(series, "CHEST") == ("ct-chest", expected)
    assert [pane.window for pane in chosen.panes] == [SOFT, LUNG]


def test_a_pet_ct_lays_pet_over_the_ct_of_its_own_frame_of_reference():
    shots = [stack("ct"), stack("pt", "PT", n=60), stack("old", "PT", frame="9")]
    chosen, _ = choose_hanging(protocols=BUILT_IN, shots=shots, region="CHEST")
    assert chosen
    assert hung(shots, "CHEST") == ("pet-ct", ["ct", "pt", "ct", "ct"])
    assert [pane.over_uid for pane in chosen.panes] == ["", "", "pt", ""]


def test_a_prostate_mr_shows_each_sequence_in_its_place():
    shots = [
        stack("sag", "MR", "t2_tse_sag", "sagittal", 19),
        stack("tra", "MR", "t2_tse_tra", "axial", 21),
        stack("cor", "MR", "t2_tse_cor", "coronal", 15),
        stack("dwi", "MR", "ep2d_diff_tra_DYNDIST", "axial", 57),
        stack("adc", "MR", "ep2d_diff_tra_DYNDIST_ADC", "axial", 19),
        stack("pd", "MR", "tfl_3d PD ref_tra_1.5x1.5", "axial", 16),
    ]
    expected = ["tra", "sag", "cor", "adc", "dwi", "pd"]
    assert hung(shots, "PELVIS") == ("mr-prostate", expected)
    assert hung(shots, "LIMB") == ("mr-four", ["sag", "tra", "cor", "dwi"])


def test_nothing_that_fits_is_one_series_and_an_empty_study_is_none():
    assert hung([Shot(series_uid="x", modality="XA")]) == ("one", ["x"])
    chosen, fitting = choose_hanging(protocols=BUILT_IN, shots=[], region="")
    assert chosen is None
    assert fitting == ()


def own(shots, scope, name, region="", is_default=True):
    return Protocol(
        id=name,
        name=name,
        scope=scope,
        is_default=is_default,
        modalities=("CT",),
        region=region,
        rows=1,
        columns=1,
        panes=(rule_for(shot=shots[0], window=GreyWindow(width=1, level=2), lean=""),),
    )


def test_ones_own_default_goes_before_the_sites_and_the_particular_before_the_general():
    shots = [stack("a", description="Thorax B30")]
    mine = own(shots, Scope.USER, "mine")
    for_chest = own(shots, Scope.USER, "for chest", "CHEST")
    sites = own(shots, Scope.SITE, "sites", "CHEST")
    offered = own(shots, Scope.USER, "offered", "CHEST", is_default=False)
    every = [sites, mine, offered, for_chest, *BUILT_IN]
    assert hung(shots, "CHEST", every)[0] == "for chest"
    assert hung(shots, "HEAD", every)[0] == "mine"
    assert hung(shots, "CHEST", [sites, *BUILT_IN])[0] == "sites"
    _, fitting = choose_hanging(protocols=every, shots=shots, region="CHEST")
    assert [one.protocol.id for one in fitting][:4] == [
        "offered",
        "for chest",
        "mine",
        "sites",
    ]


def test_a_saved_rule_finds_the_like_in_another_study():
    saved = rule_for(shot=film("x", "MLO", "L", "MG"), window=None, lean="left")
    protocol = Protocol(
        id="p", name="p", scope=Scope.USER, rows=1, columns=1, panes=(saved,)
    )
    assert hung(MAMMOGRAM, protocols=[protocol]) == ("p", ["lmlo"])
    rules = (saved, rule_for(shot=stack("a"), window=LUNG, lean=""))
    assert read_rules(json.loads(json.dumps(write_rules(rules)))) == rules


@pytest.mark.parametrize(
    ("texts", "modality", "region"),
    [
        (("CHEST",), "DX", "CHEST"),
        (("", "CT Thorax mit KM"), "CT", "CHEST"),
        (("", "MR prostaat kanker detectie"), "MR", "PELVIS"),
        (("", ""), "MG", "BREAST"),
        (("LSPINE",), "DX", "SPINE"),
        (("", "distribution of something"), "NM", ""),
        (("SKULL", "chest"), "CT", "HEAD"),
    ],
)
def test_regions_are_told_across_vendors_words(texts, modality, region):
    assert region_of(*texts, modality=modality) == region


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [
        ("1\\0\\0\\0\\1\\0", "axial"),
        ("0\\1\\0\\0\\0\\-1", "sagittal"),
        ("1\\0\\0\\0\\0\\-1", "coronal"),
        ("0.7\\0.7\\0\\0\\0\\-1", ""),
        ("", ""),
        ("1\\x", ""),
    ],
)
def test_planes_are_named_by_the_patients_axes(orientation, plane):
    assert plane_of(orientation) == plane


def test_presets_are_of_the_region_and_an_installation_may_have_its_own():
    head = presets_for(modalities=("CT", "PT"), region="HEAD", settings={})
    assert head["CT"][0].name == "Brain"
    uptake = [(p.name, p.width, p.level) for p in head["PT"]]
    assert uptake[:2] == [("SUV 0–5", 5, 2.5), ("SUV 0–7", 7, 3.5)]
    assert "MR" not in presets_for(modalities=("MR",), region="HEAD", settings={})
    chest = presets_for(modalities=("CT",), region="CHEST", settings={})
    assert [(p.width, p.level) for p in chest["CT"][:2]] == [(400, 40), (1500, -600)]
    own_table = read_presets(
        {"ct": {"": [{"name": "Ours", "width": 300, "level": 30}]}}
    )
    found = presets_for(modalities=("CT",), region="HEAD", settings=own_table)
    assert [p.name for p in found["CT"]] == ["Ours"]
    for wrong in ([], {"CT": []}, {"CT": {"": [{"name": "x"}]}}):
        with pytest.raises(ValueError, match="window presets"):
            read_presets(wrong)
