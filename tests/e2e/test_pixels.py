"""Padding, shutters and fractions: what is seen is what NumPy says of the files."""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import highdicom as hd
import numpy as np
import pydicom
import pytest
from PIL import Image
from playwright.sync_api import expect
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sr.codedict import codes
from pydicom.uid import HTJ2KLossless

from tests.apps.interop.test_shutters import add_overlay
from tests.conformance.test_adapters import FRONTEND, node
from tests.e2e.conftest import send
from tests.e2e.test_every_file import import_folder
from tests.e2e.test_foreign import _presentation, fit_of
from tests.factories.dicom import make_ct_series, make_dx, to_bytes

if TYPE_CHECKING:
    from tests.e2e.conftest import Reader

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SIZE = 512
BLACK = 3
"""Grey levels that a browser's own rounding may add to black."""


def _scene() -> np.ndarray:
    """Return a picture that is nowhere black or white, [row][column], 16 bits."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return (1200 + 400 * np.sin(x / 40) + 300 * np.cos(y / 30)).astype(np.uint16)


def _send(reader: Reader, *datasets: Dataset) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, dataset in enumerate(datasets):
            Path(folder, f"{number}.dcm").write_bytes(to_bytes(dataset))
        send(reader.stack, Path(folder))


def _film(name: str, pixels: np.ndarray, photometric: str = "MONOCHROME2") -> Dataset:
    return make_dx(
        pixels,
        patient_name=name,
        patient_id=name,
        age="044Y",
        photometric=photometric,
        window=(1200, 1600),
    )


def _name() -> str:
    return f"E2E{uuid4().hex[:9].upper()}"


def _open(reader: Reader, name: str) -> None:
    reader.login("radiologist2")
    reader.find(name)
    reader.row(name).first.dblclick()
    reader.page.wait_for_url(re.compile("/read/"))
    expect(reader.page.locator(".pane .corner.bl").first).to_be_visible()
    reader.page.wait_for_timeout(1500)


def _shown(reader: Reader, layers: str = ".shutter, .foreign-item") -> np.ndarray:
    """Return what is seen of the first pane, some layers over the image included."""
    hidden = f".pane-over > *:not({layers}) {{ visibility: hidden }}"
    style = reader.page.add_style_tag(content=hidden)
    body = reader.page.locator(".pane").first.screenshot()
    style.evaluate("node => node.remove()")
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(float)


def _at(reader: Reader, columns: int, rows: int):
    """Return a function from image space to the pixel of the pane that shows it."""
    fit = fit_of(reader, columns, rows)
    pane = reader.page.locator(".pane").first.bounding_box()
    pixels = reader.page.locator(".pane-pixels").first.bounding_box()
    assert pane
    assert pixels

    def to_pane(x: float, y: float) -> tuple[int, int]:
        across = (x - columns / 2) * fit.scale + fit.width / 2 + pixels["x"] - pane["x"]
        down = (y - rows / 2) * fit.scale + fit.height / 2 + pixels["y"] - pane["y"]
        return int(down), int(across)

    return to_pane


def _compare(
    reader: Reader, covered: np.ndarray, layers: str = ".shutter, .foreign-item"
) -> None:
    """Compare a grid of places with what is black, but for those at a border."""
    shown = _shown(reader, layers).mean(axis=2)
    to_pane = _at(reader, *covered.shape[::-1])
    near = 4
    asked = [0, 0]
    for y in range(near, covered.shape[0] - near, 16):
        for x in range(near, covered.shape[1] - near, 16):
            around = covered[y - near : y + near + 1, x - near : x + near + 1]
            if around.any() != around.all():
                continue
            grey = shown[to_pane(x + 0.5, y + 0.5)]
            hidden = bool(covered[y, x])
            asked[hidden] += 1
            assert (grey <= BLACK) == hidden, (x, y, grey)
    assert min(asked) > 50, asked


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_counts_for_no_figure(reader, photometric):
    """Padding that would be white is background; a region leaves it out."""
    name = _name()
    scene = _scene()
    y, x = np.mgrid[:SIZE, :SIZE]
    padded = np.hypot(x - 255, y - 255) > 200
    scene[padded] = 4095  # how it is to be seen: white
    film = _film(name, scene, photometric)
    stored = film.pixel_array.astype(np.int64)
    film.PixelPaddingValue = int(stored[padded][0])
    _send(reader, film)
    _open(reader, name)
    reader.picture(f"padding-{photometric}")
    _compare(reader, padded)
    # A rectangle over the left rim: half image, half padding.
    values = stored * float(film.get("RescaleSlope", 1)) + float(
        film.get("RescaleIntercept", 0)
    )
    to_pane = _at(reader, SIZE, SIZE)
    pane = reader.page.locator(".pane").first.bounding_box()
    reader.page.keyboard.press("Shift+q")
    (y0, x0), (y1, x1) = to_pane(20, 200), to_pane(200, 320)
    reader.page.mouse.move(pane["x"] + x0, pane["y"] + y0)
    reader.page.mouse.down()
    reader.page.mouse.move(pane["x"] + x1, pane["y"] + y1, steps=5)
    reader.page.mouse.up()
    expect(reader.page.locator(".measure-plate")).to_have_count(1)
    expect(reader.page.get_by_text("All changes saved")).to_be_visible()
    reader.page.wait_for_timeout(1500)
    item = reader.page.url.rstrip("/").split("/")[-1]
    content = reader.page.evaluate(
        "async item => (await (await fetch(`/api/worklist/items/${item}/reading`))"
        ".json()).content",
        item,
    )
    (mark,) = content["annotations"]
    (left, top), (right, bottom) = mark["geometry"]["points"]
    inside = (x + 0.5 >= left) & (x + 0.5 < right) & (y + 0.5 >= top)
    inside &= y + 0.5 < bottom
    counted = values[inside & ~padded]
    assert (inside & padded).any()
    said = {one["display"]: one["value"] for one in mark["measured"]["values"]}
    for word, wanted in (
        ("Mean", counted.mean()),
        ("Minimum", counted.min()),
        ("Maximum", counted.max()),
        ("Standard Deviation", counted.std()),
    ):
        assert said[word] == pytest.approx(wanted, rel=1e-6), word


def test_padding_behind_a_table_is_what_was_stored(reader):
    """A table that makes padding as grey as anatomy: it is black all the same."""
    name = _name()
    film = _film(name, _scene())
    stored = film.pixel_array.copy()
    y, x = np.mgrid[:SIZE, :SIZE]
    padded = np.hypot(x - 255, y - 255) > 200
    stored[padded] = 5
    film.PixelData = stored.tobytes()
    film.PixelPaddingValue = 5
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 12]
    table.ModalityLUTType = "US"
    # Padding and the least stored values alike become the middle of the window.
    ramp = np.maximum(np.arange(4096), 0)
    ramp[:6] = 1200
    table.LUTData = ramp.astype("<u2").tobytes()
    for word in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        if word in film:
            delattr(film, word)
    film.ModalityLUTSequence = [table]
    _send(reader, film)
    _open(reader, name)
    reader.picture("padding-table")
    _compare(reader, padded)


def _shapes() -> tuple[np.ndarray, dict[str, object]]:
    """Return what a rectangle and a circle together cover, and how a header says it."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    rectangle = (x > 60) & (x < 400) & (y > 100) & (y < 450)
    circle = np.hypot(x - 249.5, y - 269.5) <= 180
    said = {
        "ShutterShape": ["RECTANGULAR", "CIRCULAR"],
        "ShutterLeftVerticalEdge": 61,
        "ShutterRightVerticalEdge": 400,
        "ShutterUpperHorizontalEdge": 101,
        "ShutterLowerHorizontalEdge": 450,
        "CenterOfCircularShutter": [270, 250],
        "RadiusOfCircularShutter": 180,
        "ShutterPresentationValue": 0,
    }
    return ~(rectangle & circle), said


def test_shutters_of_image_and_presentation_state_cover_what_they_say(reader):
    """The image's own until a state with another one is applied, and after a reset."""
    name = _name()
    film = _film(name, _scene())
    own, said = _shapes()
    for word, value in said.items():
        setattr(film, word, value)
    state = _presentation(pydicom.dcmread(io.BytesIO(to_bytes(film))))
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [SIZE, SIZE]
    del state.GraphicAnnotationSequence
    state.SoftcopyVOILUTSequence[0].WindowCenter = 1200
    state.SoftcopyVOILUTSequence[0].WindowWidth = 1600
    state.ShutterShape = "POLYGONAL"
    state.VerticesOfThePolygonalShutter = [50, 50, 50, 450, 480, 256]
    state.ShutterPresentationValue = 0
    _send(reader, film, state)
    _open(reader, name)
    reader.picture("shutter-own")
    _compare(reader, own)
    expect(reader.page.get_by_role("button", name="Apply presentation")).to_be_visible()
    reader.page.get_by_role("button", name="Apply presentation").click()
    reader.page.wait_for_timeout(800)
    reader.picture("shutter-applied")
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    corners = np.array([(49.5, 49.5), (449.5, 49.5), (255.5, 479.5)])
    covered = np.zeros_like(own)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        covered |= (bx - ax) * (y - ay) - (by - ay) * (x - ax) < 0
    _compare(reader, covered)
    reader.page.keyboard.press("0")
    reader.page.wait_for_timeout(800)
    _compare(reader, own)


def test_a_bitmap_shutter_covers_its_pixels_on_screen_and_in_the_picture(reader):
    """A blob that is no rectangle, circle or polygon, somewhere on the image."""
    name = _name()
    film = _film(name, _scene())
    y, x = np.mgrid[:SIZE, :SIZE]
    blob = 150 + 60 * np.sin(np.arctan2(y - 260, x - 250) * 5)
    covered = np.hypot(x - 250, y - 260) > blob
    covered[:32] = covered[:, :16] = False  # the bitmap does not reach there
    state = _presentation(pydicom.dcmread(io.BytesIO(to_bytes(film))))
    del state.GraphicAnnotationSequence
    area = state.DisplayedAreaSelectionSequence[0]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [SIZE, SIZE]
    state.SoftcopyVOILUTSequence[0].WindowCenter = 1200
    state.SoftcopyVOILUTSequence[0].WindowWidth = 1600
    state.ShutterShape, state.ShutterOverlayGroup = "BITMAP", 0x6000
    state.ShutterPresentationValue = 0
    add_overlay(state, covered[32:, 16:], group=0x6000, origin=[33, 17])
    _send(reader, film, state)
    _open(reader, name)
    reader.page.get_by_role("button", name="Apply presentation").click()
    expect(reader.page.locator("canvas.shutter-bitmap")).to_be_visible()
    reader.page.wait_for_timeout(800)
    reader.picture("shutter-bitmap")
    layers = ".shutter-bitmap, .shutter, .foreign-item"
    _compare(reader, covered, layers=layers)
    with reader.page.expect_download() as saving:
        reader.page.keyboard.press("Alt+p")
    picture = np.asarray(Image.open(saving.value.path()).convert("L")).astype(float)
    to_pane = _at(reader, SIZE, SIZE)
    for place in ((250, 260), (60, 260), (250, 480), (8, 260), (250, 8)):
        down, across = to_pane(place[0] + 0.5, place[1] + 0.5)
        hidden = bool(covered[place[1], place[0]])
        assert (picture[down - 1, across - 1] <= BLACK) == hidden, place


def test_a_fractional_segment_is_as_dense_as_it_says(reader):
    """The colour over each pixel grows with the part of it that the segment holds."""
    name = _name()
    images = make_ct_series(n_slices=8, patient_name=name, patient_id=name)
    parts = np.zeros((8, 64, 64), np.float32)
    steps = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    for number, part in enumerate(steps):
        parts[:, 10:50, 6 + 10 * number : 16 + 10 * number] = part
    parts[5:] = parts[5:, :, ::-1] * 0.5
    described = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Part",
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=codes.SCT.Liver,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=hd.UID(),
        tracking_id="Part",
    )
    read = [pydicom.dcmread(io.BytesIO(to_bytes(one))) for one in images]
    seg = hd.seg.Segmentation(
        source_images=read,
        pixel_array=parts,
        segmentation_type="FRACTIONAL",
        fractional_type="OCCUPANCY",
        max_fractional_value=200,
        segment_descriptions=[described],
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Elsewhere",
        manufacturer_model_name="Parts",
        software_versions="1",
        device_serial_number="1",
    )
    _send(reader, *images, seg)
    _open(reader, name)
    expect(reader.page.locator(".from-pacs")).to_be_visible()
    before = _shown(reader)
    reader.page.get_by_role("button", name=re.compile("on the images$")).first.click()
    expect(reader.page.locator("canvas.foreign-parts").first).to_be_visible()
    reader.page.keyboard.press("Home")
    expect(reader.page.locator(".pane .corner.tr").first).to_contain_text("1 / 8")
    reader.page.wait_for_timeout(800)
    reader.picture("fractional")
    canvas = reader.page.locator("canvas.foreign-parts").first
    drawn = np.rint(parts * 200) / 200 * 255
    heights = [float(one.ImagePositionPatient[2]) for one in images]
    words = reader.page.locator(".pane .corner.br").first.inner_text()
    said = re.search(r"Loc (-?\d+\.\d)", words.replace("\u2212", "-"))
    assert said, words
    first = heights.index(float(said[1]))
    assert np.abs(_density(canvas, 64) - drawn[first]).max() <= 1
    opacity = float(canvas.evaluate("node => getComputedStyle(node).opacity"))
    colour = np.array(
        [
            float(n)
            for n in re.findall(
                r"[\d.]+", canvas.evaluate("node => getComputedStyle(node).color")
            )
        ][:3]
    )
    shown = _shown(reader)
    to_pane = _at(reader, 64, 64)
    for column in range(11, 60, 10):
        part = parts[first, 30, column]
        place = to_pane(column, 30)
        seen, bare = shown[place], before[place]
        wanted = bare + (colour - bare) * part * opacity
        assert np.abs(seen - wanted).max() <= 4, (part, seen, wanted)

    reader.page.keyboard.press("d")
    expect(reader.page.locator(".mpr canvas.foreign-parts")).to_have_count(3)
    reader.page.wait_for_timeout(800)
    reader.picture("fractional-planes")
    cube = drawn[np.argsort(heights)]
    for plane, cut in (("coronal", cube[:, 32]), ("sagittal", cube[:, :, 32])):
        canvas = reader.page.locator(f".pane.{plane} canvas.foreign-parts")
        assert np.abs(_density(canvas, 64) - cut).max() <= 1, plane


def _density(canvas, columns: int) -> np.ndarray:
    """Return the opacity of a canvas' pixels, [row][column]."""
    found = canvas.evaluate(
        """canvas => Array.from(canvas.getContext('2d')
          .getImageData(0, 0, canvas.width, canvas.height).data)"""
    )
    return np.array(found).reshape(-1, columns, 4)[..., 3]


def test_a_map_is_in_the_colours_that_it_states(reader) -> None:
    """Values from a supplemental palette's first on are coloured, others grey."""
    name = _name()
    bands = np.arange(1200, 2000, 100)
    film = _film(
        name, np.tile(np.repeat(bands, SIZE // 8), (SIZE, 1)).astype(np.uint16)
    )
    first, entries = 1500, 300
    tables = np.stack(
        [np.linspace(20, 250, entries), np.linspace(200, 30, entries), np.full(300, 90)]
    ).astype(np.uint16)
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        stem = f"{colour}PaletteColorLookupTable"
        setattr(film, f"{stem}Descriptor", [entries, first, 16])
        setattr(film, f"{stem}Data", (table << 8).tobytes())
    _send(reader, film)
    _open(reader, name)
    expect(reader.page.locator("canvas.colour-map")).to_be_visible()
    reader.picture("colour-map")
    shown = _shown(reader, ".colour-map")
    to_pane = _at(reader, SIZE, SIZE)
    for number, value in enumerate(bands):
        seen = shown[to_pane(SIZE / 16 * (2 * number + 1), SIZE / 3)]
        grey = 255 * np.clip((value - 1199.5) / 1599 + 0.5, 0, 1)
        stated = tables[:, min(value - first, entries - 1)]
        wanted = stated if value >= first else np.full(3, grey)
        assert np.abs(seen - wanted).max() <= 3, (value, seen, wanted)
    reader.page.keyboard.press("Alt+o")
    expect(reader.page.locator("canvas.colour-map")).to_have_count(0)


def test_planes_say_that_they_lack_the_colours_of_the_images(reader) -> None:
    name = _name()
    images = make_ct_series(n_slices=8, patient_name=name, patient_id=name)
    ramp = (np.arange(300, dtype=np.uint16) << 7).tobytes()
    for image in images:
        image.RescaleIntercept, image.PixelRepresentation = 0, 0
        for colour in ("Red", "Green", "Blue"):
            stem = f"{colour}PaletteColorLookupTable"
            setattr(image, f"{stem}Descriptor", [300, 100, 16])
            setattr(image, f"{stem}Data", ramp)
    _send(reader, *images)
    _open(reader, name)
    word = reader.page.get_by_text("lay colours over their values")
    expect(word).to_have_count(0)
    reader.page.keyboard.press("d")
    expect(word).to_be_visible()
    expect(reader.page.locator(".mpr .pane-over")).to_have_count(3)
    reader.picture("colours-lost")


_ENCODE = """
const make = require('@cornerstonejs/codec-openjph/wasmjs');
const input = require('fs').readFileSync(0);
const wasm = require.resolve('@cornerstonejs/codec-openjph/wasm');
make({ locateFile: () => wasm, print: () => 0 }).then((codec) => {
  const encoder = new codec.HTJ2KEncoder();
  const size = Number(process.argv[1]);
  encoder.getDecodedBuffer({ width: size, height: size, bitsPerSample: 16,
    componentCount: 1, isSigned: false, isUsingColorTransform: false }).set(input);
  encoder.setQuality(true, 0);
  encoder.encode();
  process.stdout.write(Buffer.from(encoder.getEncodedBuffer().slice()));
});
"""


def test_a_grey_image_in_high_throughput_jpeg_2000_is_seen(reader) -> None:
    """Its decoder is ours to call; none of the real files is both grey and of it."""
    pixels = _scene()
    encoded = subprocess.run(
        [node(), "-e", _ENCODE, str(SIZE)],
        input=pixels.tobytes(),
        stdout=subprocess.PIPE,
        cwd=FRONTEND,
        check=True,
    ).stdout
    name = _name()
    film = _film(name, pixels)
    film.PixelData = encapsulate([encoded + b"\0" * (len(encoded) % 2)])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    film.file_meta.TransferSyntaxUID = HTJ2KLossless
    with tempfile.TemporaryDirectory() as place:  # dcmtk cannot send it
        folder = Path(place, "files")
        folder.mkdir()
        Path(folder, "1.dcm").write_bytes(to_bytes(film))
        assert import_folder(reader.stack, folder)[1][0] == "stored"
    _open(reader, name)
    shown = _shown(reader).mean(axis=2)
    to_pane = _at(reader, SIZE, SIZE)
    wanted = np.clip((pixels.astype(float) - 400) / 1600 * 255, 0, 255)
    places = [(x, y) for x in range(40, 480, 40) for y in range(200, 480, 40)]
    off = [abs(shown[to_pane(x + 0.5, y + 0.5)] - wanted[y, x]) for x, y in places]
    assert np.mean(off) < 4
    assert reader.errors == []


_COUNT_DRAWN = """
window.drawnByCard = 0;
for (const name of ['drawArrays', 'drawElements']) {
  const draw = WebGL2RenderingContext.prototype[name];
  WebGL2RenderingContext.prototype[name] = function (...parts) {
    window.drawnByCard += 1;
    return draw.apply(this, parts);
  };
}
"""


@pytest.mark.parametrize("drawing", ["card", "processor"])
def test_card_and_processor_draw_the_same_greys(new_reader, drawing: str) -> None:
    """The graphics card is SwiftShader's here; what it is asked to draw is the same."""
    reader = new_reader()
    choose = f"localStorage.setItem('overread.drawing', '{drawing}')"
    reader.page.context.add_init_script(choose + ";" + _COUNT_DRAWN)
    pixels, name = _scene(), _name()
    _send(reader, _film(name, pixels))
    _open(reader, name)
    reader.page.evaluate("drawnByCard = 0")  # it was asked what it can do
    for _ in range(2):
        reader.page.keyboard.press("i")
        reader.page.wait_for_timeout(700)
    assert (reader.page.evaluate("drawnByCard") > 0) == (drawing == "card")
    shown = _shown(reader).mean(axis=2)
    to_pane = _at(reader, SIZE, SIZE)
    wanted = np.clip((pixels.astype(float) - 400) / 1600 * 255, 0, 255)
    places = [(x, y) for x in range(20, 500, 20) for y in range(20, 500, 20)]
    off = [abs(shown[to_pane(x + 0.5, y + 0.5)] - wanted[y, x]) for x, y in places]
    assert np.mean(off) < 2, np.mean(off)
    assert np.max(off) < 8, np.max(off)
    # Nothing shines through the image, and nothing is blended with it.
    canvas = reader.page.locator(".pane-pixels canvas").first
    told = canvas.evaluate("node => node.getContext('2d').getContextAttributes()")
    assert told["alpha"] is False
    assert reader.errors == []
