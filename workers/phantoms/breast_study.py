"""Makes whole mammography studies of phantoms."""

from workers.phantoms.breast import VIEWS, Mammogram, mammogram
from workers.phantoms.orders import Order, patient_for, scanner_for
from workers.phantoms.records import Film, Series, Study
from workers.phantoms.settings import Scanner


def breast_study(order: Order) -> Study:
    """Makes one screening study: a series for each of the four views, and its truth."""
    made = mammogram(
        order.seed,
        order.settings,
        size=order.size or 1440,
        person=order.person,
        strengths=order.strengths,
    )
    _, scanner = scanner_for(order, "MG")
    series = tuple(
        _series(made, number, side, view, scanner)
        for number, (side, view) in enumerate(VIEWS, start=1)
    )
    boxes = [
        {
            "label": "mass",
            "series": number,
            "index": 0,
            "frame": 1,
            "box": list(made.boxes[key]),
        }
        for number, key in enumerate(VIEWS, start=1)
        if key in made.boxes
    ]
    return Study(
        seed=order.seed,
        kind=order.kind,
        patient=patient_for(order, age=made.breasts.age, female=True),
        site=order.site,
        when=order.when,
        description="MAMMOGRAPHY BILATERAL SCREENING",
        series=series,
        truth={
            "labels": dict(made.labels),
            "strengths": dict(made.strengths),
            "side": made.side,
            "form": made.form,
            "density": made.breasts.density,
            "boxes": boxes,
        },
    )


def _series(
    made: Mammogram, number: int, side: str, view: str, scanner: Scanner
) -> Series:
    image = Film(
        pixels=made.views[side, view],
        spacing_mm=round(made.spacing_mm, 4),
        view=view,
        side=side,
        kvp=29.0,
        exposure_mas=80.0,
        thickness_mm=made.breasts.thickness,
    )
    return Series(number, "MG", f"{side} {view}", "BREAST", scanner, (image,))
