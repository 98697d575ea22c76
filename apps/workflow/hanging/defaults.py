"""The built-in ways to hang a study. The first that fits is chosen."""

from __future__ import annotations

from typing import Final

from apps.workflow.hanging.types import GreyWindow, PaneRule, Pick, Protocol, Scope

_LUNG_WORDS: Final = ("lung", "sharp", "b60", "b70", "b80", "bone", "edge", "br6")
_FILM: Final = ("CR", "DX", "RG")
_LATERAL: Final = ("LL", "RL", "LAT", "LATERAL", "LLD", "RLD", "ML", "LM")
_FRONTAL: Final = ("PA", "AP", "")

SOFT: Final = GreyWindow(width=400, level=40)
LUNG: Final = GreyWindow(width=1500, level=-600)
BONE: Final = GreyWindow(width=2000, level=500)
HEAD_BONE: Final = GreyWindow(width=2800, level=600)
BRAIN: Final = GreyWindow(width=80, level=40)
SUBDURAL: Final = GreyWindow(width=200, level=75)


def _built_in(name: str, title: str, *panes: PaneRule, **how: object) -> Protocol:
    given: dict[str, object] = {
        "rows": 1,
        "columns": len(panes),
        "least": len(panes),
        **how,
    }
    return Protocol(
        id=name,
        name=title,
        scope=Scope.BUILT_IN,
        panes=panes,
        **given,  # type: ignore[arg-type]
    )


def _ct(
    window: GreyWindow | None, *words: str, without: tuple[str, ...] = ()
) -> PaneRule:
    """Take the axial stack whose description says so, else the main one."""
    main = Pick(modality=("CT",), plane="axial", min_images=5)
    said = Pick(modality=("CT",), plane="axial", min_images=5, words=words)
    not_said = Pick(modality=("CT",), plane="axial", min_images=5, without=without)
    picks = (said,) if words else (not_said,)
    return PaneRule(
        picks=(
            *picks,
            main,
            Pick(modality=("CT",), min_images=2),
            Pick(modality=("CT",)),
        ),
        window=window,
        reuse=True,
    )


def _breast(view: str, side: str) -> PaneRule:
    """A right breast hangs on the left with its chest wall in the middle."""
    pick = Pick(modality=("MG",), view=(view,), laterality=side)
    return PaneRule(picks=(pick,), lean="right" if side == "R" else "left")


def _mr(plane: str, *words: str, without: tuple[str, ...] = ()) -> PaneRule:
    return PaneRule(
        picks=(Pick(modality=("MR",), plane=plane, words=words, without=without),)
    )


_DIFFUSION: Final = ("diff", "dwi", "trace", "b1000", "b800")
_MR_REST: Final = PaneRule(picks=(Pick(modality=("MR",)),))

BUILT_IN: Final[tuple[Protocol, ...]] = (
    _built_in(
        "mg-four",
        "Mammogram, four views",
        _breast("CC", "R"),
        _breast("CC", "L"),
        _breast("MLO", "R"),
        _breast("MLO", "L"),
        modalities=("MG",),
        rows=2,
        columns=2,
        least=3,
    ),
    _built_in(
        "mg-pair",
        "Mammogram, side by side",
        PaneRule(picks=(Pick(modality=("MG",), laterality="R"),), lean="right"),
        PaneRule(picks=(Pick(modality=("MG",), laterality="L"),), lean="left"),
        modalities=("MG",),
    ),
    _built_in(
        "pet-ct",
        "PET/CT: CT, PET, fused, CT lung",
        _ct(SOFT),
        PaneRule(picks=(Pick(modality=("PT",), plane="axial"), Pick(modality=("PT",)))),
        PaneRule(
            picks=(Pick(modality=("CT",), plane="axial", min_images=5),),
            window=SOFT,
            over=Pick(modality=("PT",)),
            reuse=True,
        ),
        _ct(LUNG),
        modalities=("CT", "PT"),
        rows=2,
        columns=2,
        least=3,
    ),
    _built_in(
        "ct-head",
        "Head CT: brain, subdural, bone",
        _ct(BRAIN, without=_LUNG_WORDS),
        _ct(SUBDURAL, without=_LUNG_WORDS),
        _ct(HEAD_BONE, "bone", "sharp"),
        modalities=("CT",),
        region="HEAD",
    ),
    _built_in(
        "ct-chest",
        "Chest CT: mediastinum, lung",
        _ct(SOFT, without=_LUNG_WORDS),
        _ct(LUNG, *_LUNG_WORDS),
        modalities=("CT",),
        region="CHEST",
    ),
    _built_in(
        "ct-body",
        "CT: soft tissue, bone",
        _ct(SOFT, without=_LUNG_WORDS),
        _ct(BONE, "bone", "sharp"),
        modalities=("CT",),
        is_default=False,
    ),
    _built_in(
        "mr-prostate",
        "Prostate MR: T2 in three planes, ADC, diffusion",
        _mr("axial", "t2"),
        _mr("sagittal", "t2"),
        _mr("coronal", "t2"),
        _mr("axial", "adc"),
        _mr("axial", *_DIFFUSION, without=("adc",)),
        _MR_REST,
        modalities=("MR",),
        region="PELVIS",
        rows=2,
        columns=3,
        least=4,
    ),
    _built_in(
        "mr-head",
        "Head MR: T1, T2, FLAIR, diffusion",
        _mr("", "flair", "dark fluid"),
        _mr("", "t2", without=("flair", "*")),
        _mr("", *_DIFFUSION, without=("adc",)),
        _mr("", "t1", "mprage"),
        modalities=("MR",),
        region="HEAD",
        rows=2,
        columns=2,
        least=3,
    ),
    _built_in(
        "mr-four",
        "MR, four sequences",
        _MR_REST,
        _MR_REST,
        _MR_REST,
        _MR_REST,
        modalities=("MR",),
        rows=2,
        columns=2,
    ),
    _built_in(
        "mr-two",
        "MR, two sequences",
        _MR_REST,
        _MR_REST,
        modalities=("MR",),
    ),
    _built_in(
        "film-pair",
        "Film, frontal and lateral",
        PaneRule(picks=(Pick(modality=_FILM, view=_FRONTAL),)),
        PaneRule(picks=(Pick(modality=_FILM, view=_LATERAL),)),
    ),
    _built_in(
        "film-two",
        "Film, two views",
        PaneRule(picks=(Pick(modality=_FILM),)),
        PaneRule(picks=(Pick(modality=_FILM),)),
    ),
    _built_in(
        "us-cine",
        "Ultrasound, four clips or images",
        *(PaneRule(picks=(Pick(modality=("US",)),)) for _ in range(4)),
        modalities=("US",),
        rows=2,
        columns=2,
        least=3,
    ),
    _built_in(
        "one",
        "One series",
        PaneRule(picks=(Pick(min_images=5), Pick())),
    ),
)
