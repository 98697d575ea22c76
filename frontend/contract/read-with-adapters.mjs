/**
 * Reads our report and our masks with Cornerstone's adapters, as another viewer would,
 * and prints what they found as JSON. Usage: node read-with-adapters.mjs FOLDER, with
 * `images.json`, `report.dcm`, `mask.dcm` and `drawn.dcm` in it (see tests/conformance).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adaptersSEG, adaptersSR } from '@cornerstonejs/adapters';
import { metaData } from '@cornerstonejs/core';
import dcmjs from 'dcmjs';

const folder = process.argv[2];
const images = JSON.parse(readFileSync(join(folder, 'images.json'), 'utf8'));
const idOf = (image) => `contract:${image.sop_uid}`;
const byId = new Map(images.map((image) => [idOf(image), image]));
const added = new Map();

/** Metadata as Cornerstone's own providers would give them of these images. */
const modules = {
  imagePlaneModule: (image) => ({
    frameOfReferenceUID: image.frame_of_reference_uid,
    rows: image.rows,
    columns: image.columns,
    imagePositionPatient: image.position,
    imageOrientationPatient: [...image.row, ...image.column],
    rowCosines: image.row,
    columnCosines: image.column,
    rowPixelSpacing: image.spacing[0],
    columnPixelSpacing: image.spacing[1],
    pixelSpacing: image.spacing,
    sliceThickness: image.thickness,
  }),
  generalImageModule: (image) => ({ sopInstanceUID: image.sop_uid }),
  generalSeriesModule: (image) => ({ seriesInstanceUID: image.series_uid, modality: 'CT' }),
  sopCommonModule: (image) => ({
    sopInstanceUID: image.sop_uid,
    sopClassUID: image.sop_class_uid,
  }),
  imagePixelModule: (image) => ({
    rows: image.rows,
    columns: image.columns,
    bitsAllocated: 16,
    bitsStored: 16,
    highBit: 15,
    samplesPerPixel: 1,
    pixelRepresentation: 1,
    photometricInterpretation: 'MONOCHROME2',
  }),
  instance: (image) => ({
    SOPInstanceUID: image.sop_uid,
    SOPClassUID: image.sop_class_uid,
    SeriesInstanceUID: image.series_uid,
    FrameOfReferenceUID: image.frame_of_reference_uid,
    ImagePositionPatient: image.position,
    ImageOrientationPatient: [...image.row, ...image.column],
    PixelSpacing: image.spacing,
    Rows: image.rows,
    Columns: image.columns,
    SliceThickness: image.thickness,
  }),
};

function provide(type, id) {
  if (type === 'instance' && added.has(id)) return added.get(id);
  const image = byId.get(id);
  return image ? modules[type]?.(image) : undefined;
}
metaData.addProvider(provide, 10_000);
const provider = {
  get: (type, id) => metaData.get(type, id),
  addInstance: (id, instance) => added.set(id, instance),
};

function datasetOf(name) {
  const bytes = readFileSync(join(folder, name));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const { dict, meta } = dcmjs.data.DicomMessage.readFile(buffer);
  const dataset = dcmjs.data.DicomMetaDictionary.naturalizeDataset(dict);
  dataset._meta = dcmjs.data.DicomMetaDictionary.namifyDataset(meta);
  return { buffer, dataset };
}

/** What every tool of Cornerstone's was given: its points in the patient, and whose. */
function readReport() {
  const { dataset } = datasetOf('report.dcm');
  const ids = Object.fromEntries(
    images.map((image) => [`${image.sop_uid}:1`, idOf(image)]),
  );
  const { MeasurementReport } = adaptersSR.Cornerstone3D;
  const state = MeasurementReport.generateToolState(dataset, ids, provider);
  return Object.entries(state).flatMap(([tool, measurements]) =>
    measurements.map((one) => ({
      tool,
      tracking_uid: one.TrackingUniqueIdentifier,
      finding: one.finding?.CodeValue ?? null,
      sop_uid: one.sopInstanceUid ?? null,
      image: one.annotation.metadata.referencedImageId ?? null,
      points:
        one.annotation.data.contour?.polyline ?? one.annotation.data.handles.points,
    })),
  );
}

/** The pixels of each image's label map, by SOP Instance UID: where, and which segment. */
async function readMask(name) {
  const { buffer } = datasetOf(name);
  const ids = images.map(idOf);
  const found = await adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer(
    ids,
    buffer,
    { metadataProvider: provider },
  );
  const maps = found.labelMapImages.flat();
  const set = maps.map((map) => {
    const pixels = map.voxelManager.getScalarData();
    return [...pixels.keys()].filter((at) => pixels[at] !== 0);
  });
  const numbers = maps.map((map, k) => {
    const pixels = map.voxelManager.getScalarData();
    return set[k].map((at) => pixels[at]);
  });
  return {
    set: Object.fromEntries(images.map((image, k) => [image.sop_uid, set[k] ?? []])),
    numbers: Object.fromEntries(
      images.map((image, k) => [image.sop_uid, numbers[k] ?? []]),
    ),
    labels: found.segMetadata.data.filter(Boolean).map((one) => one.SegmentLabel),
    tracking: found.segMetadata.data.filter(Boolean).map((one) => one.TrackingUID),
  };
}

const mask = await readMask('mask.dcm');
const drawn = await readMask('drawn.dcm');
process.stdout.write(JSON.stringify({ report: readReport(), mask, drawn }));
