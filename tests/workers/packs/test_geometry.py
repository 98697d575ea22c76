"""The order in which a person scrolls."""

from hypothesis import given
from hypothesis import strategies as st

from workers.packs.geometry import Placed, sort_instances

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TILTED = (1.0, 0.0, 0.0, 0.0, 0.8, 0.6)


def placed(uid, *, number=None, position=None, orientation=None):
    return Placed(
        sop_uid=uid, number=number, position=position, orientation=orientation
    )


@given(st.permutations(range(8)))
def test_position_decides_whatever_the_numbers_say(order):
    slices = [
        placed(f"1.{z}", number=8 - z, position=(0, 0, 2.5 * z), orientation=AXIAL)
        for z in range(8)
    ]
    found = sort_instances(slices[index] for index in order)
    assert found == [f"1.{z}" for z in range(8)]


def test_the_normal_of_a_tilted_stack():
    normal = (0.0, -0.6, 0.8)
    slices = [
        placed(
            f"1.{k}",
            position=(5.0, 7 + k * normal[1], 3 + k * normal[2]),
            orientation=TILTED,
        )
        for k in (3, 0, 2, 1)
    ]
    assert sort_instances(slices) == ["1.0", "1.1", "1.2", "1.3"]


def test_repeats_at_one_place_go_by_number():
    here = {"position": (0, 0, 1.0), "orientation": AXIAL}
    slices = [placed("1.1", number=9, **here), placed("1.2", number=4, **here)]
    assert sort_instances(slices) == ["1.2", "1.1"]


def test_without_common_geometry_the_number_decides():
    slices = [
        placed("1.1", number=2, position=(0, 0, 0), orientation=AXIAL),
        placed("1.2", number=1, position=(0, 0, 9), orientation=TILTED),
        placed("1.3"),
    ]
    assert sort_instances(slices) == ["1.2", "1.1", "1.3"]
