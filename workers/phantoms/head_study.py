"""Makes whole head CT studies of phantoms."""

from typing import Any

import numpy as np

from workers.phantoms.head import HeadVolume, head_volume
from workers.phantoms.orders import Order, patient_for, scanner_for
from workers.phantoms.records import Series, Slices, Study

LABEL = "haemorrhage"


def head_study(order: Order) -> Study:
    """Makes one study: axial slices in a brain window, and its truth."""
    made = head_volume(
        order.seed,
        order.settings,
        slices=order.slices or 40,
        size=order.size or 256,
        person=order.person,
        strengths=order.strengths,
        bleed=order.bleed,
    )
    _, scanner = scanner_for(order, "CT")
    volume = Slices(made.hu, made.spacing_mm, made.origin_mm, (40, 90))
    return Study(
        seed=order.seed,
        kind=order.kind,
        patient=patient_for(order, age=made.age, female=made.female),
        site=order.site,
        when=order.when,
        description="CT HEAD",
        series=(Series(2, "CT", "Head axial", "HEAD", scanner, volume),),
        truth={
            "labels": dict(made.labels),
            "kinds": list(made.kinds),
            "strengths": dict(made.strengths),
            "volume_ml": made.volume_ml,
            "boxes": _boxes(made, 2),
        },
    )


def _boxes(made: HeadVolume, series: int) -> list[dict[str, Any]]:
    """Lists the box around all blood of each slice."""
    found = []
    for index, plane in enumerate(made.mask):
        rows, columns = np.nonzero(plane)
        if not len(rows):
            continue
        corners = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        found.append(
            {
                "label": LABEL,
                "series": series,
                "index": index,
                "frame": 1,
                "box": [int(v) for v in corners],
            }
        )
    return found
