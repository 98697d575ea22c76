"""The order in which a person scrolls."""

from hypothesis import given
from hypothesis import strategies as st

from workers.packs.geometry import Placed, sort_along_normal, sort_instances

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TILTED = (1.0, 0.0, 0.0, 0.0, 0.8, 0.6)


def placed(uid, *, number=None, position=None, orientation=None):
    return Placed(
        sop_uid=uid, number=number, position=position, orientation=orientation
    )


def stack(numbers, *, orientation=AXIAL, step=(0, 0, 2.5)):
    return [
        placed(
            f"1.{z}",
            number=number,
            position=tuple(z * part for part in step),
            orientation=orientation,
        )
        for z, number in enumerate(numbers)
    ]


@given(st.permutations(range(8)))
def test_position_decides_and_the_numbers_give_the_direction(order):
    up, down = [f"1.{z}" for z in range(8)], [f"1.{z}" for z in reversed(range(8))]
    for numbers, expected in (
        (range(1, 9), up),
        (range(8, 0, -1), down),
        # One image out of turn does not move: place decides, not its number.
        ([8, 7, 6, 5, 4, 3, 1, 2], down),
        ([1, 2, 3, 4, 5, 6, 8, 7], up),
    ):
        slices = stack(numbers)
        assert sort_instances(slices[index] for index in order) == expected
        assert sort_along_normal(slices[index] for index in order) == up


def test_without_numbers_axial_images_go_from_head_to_feet():
    for numbers in ([None] * 4, [7] * 4):
        assert sort_instances(stack(numbers)) == ["1.3", "1.2", "1.1", "1.0"]
    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    back = stack([None] * 4, orientation=coronal, step=(0, 3.0, 0))
    assert sort_instances(back) == ["1.0", "1.1", "1.2", "1.3"]


def test_the_normal_of_a_tilted_stack():
    normal = (0.0, -0.6, 0.8)
    slices = [
        placed(
            f"1.{k}",
            number=k,
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
