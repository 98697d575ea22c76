import {
  type Dataset,
  number as numberOf,
  numbers,
  paletteOf,
  planeOf,
  spacingOf,
  text,
  voiOf,
} from './dataset';

/**
 * The metadata modules that Cornerstone asks for, from one frame's dataset.
 * Names and shapes are Cornerstone's.
 */
type Build = (dataset: Dataset, index: number) => unknown;

function imagePixel(dataset: Dataset): unknown {
  const red = numbers(dataset, '00281101');
  const green = numbers(dataset, '00281102');
  const blue = numbers(dataset, '00281103');
  return {
    samplesPerPixel: numberOf(dataset, '00280002') ?? 1,
    photometricInterpretation: text(dataset, '00280004') || 'MONOCHROME2',
    rows: numberOf(dataset, '00280010'),
    columns: numberOf(dataset, '00280011'),
    bitsAllocated: numberOf(dataset, '00280100') ?? 8,
    bitsStored: numberOf(dataset, '00280101') ?? 8,
    highBit: numberOf(dataset, '00280102') ?? 7,
    pixelRepresentation: numberOf(dataset, '00280103') ?? 0,
    planarConfiguration: numberOf(dataset, '00280006') ?? 0,
    pixelAspectRatio: text(dataset, '00280034'),
    redPaletteColorLookupTableDescriptor: red,
    greenPaletteColorLookupTableDescriptor: green,
    bluePaletteColorLookupTableDescriptor: blue,
    redPaletteColorLookupTableData: paletteOf(dataset, '00281201', red),
    greenPaletteColorLookupTableData: paletteOf(dataset, '00281202', green),
    bluePaletteColorLookupTableData: paletteOf(dataset, '00281203', blue),
  };
}

function imagePlane(dataset: Dataset, index: number): unknown {
  const { plane, real } = planeOf(dataset, index);
  const spacing = spacingOf(dataset);
  return {
    frameOfReferenceUID: text(dataset, '00200052'),
    rows: numberOf(dataset, '00280010'),
    columns: numberOf(dataset, '00280011'),
    imageOrientationPatient: [...plane.row, ...plane.column],
    rowCosines: [...plane.row],
    columnCosines: [...plane.column],
    imagePositionPatient: [...plane.origin],
    sliceThickness: numberOf(dataset, '00180050'),
    sliceLocation: numberOf(dataset, '00201041'),
    pixelSpacing: [spacing.row, spacing.column],
    rowPixelSpacing: spacing.row,
    columnPixelSpacing: spacing.column,
    usingDefaultValues: !real,
  };
}

const FUNCTIONS: readonly string[] = ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'];

function voiLut(dataset: Dataset): unknown {
  const stated = text(dataset, '00281056');
  const { centers, widths } = voiOf(dataset);
  if (centers.length === 0) return {};
  return {
    windowCenter: [...centers],
    windowWidth: [...widths],
    // A list: the image loader takes its first element.
    voiLUTFunction: [FUNCTIONS.includes(stated) ? stated : 'LINEAR'],
  };
}

function modalityLut(dataset: Dataset): unknown {
  return {
    rescaleIntercept: numberOf(dataset, '00281052') ?? 0,
    rescaleSlope: numberOf(dataset, '00281053') ?? 1,
    rescaleType: text(dataset, '00281054'),
  };
}

const BUILDERS: Readonly<Record<string, Build>> = {
  imagePixelModule: imagePixel,
  imagePlaneModule: imagePlane,
  voiLutModule: voiLut,
  modalityLutModule: modalityLut,
  generalSeriesModule: (dataset) => ({
    modality: text(dataset, '00080060'),
    seriesInstanceUID: text(dataset, '0020000E'),
    seriesNumber: numberOf(dataset, '00200011'),
    studyInstanceUID: text(dataset, '0020000D'),
  }),
  generalImageModule: (dataset) => ({
    sopInstanceUID: text(dataset, '00080018'),
    instanceNumber: numberOf(dataset, '00200013'),
  }),
  sopCommonModule: (dataset) => ({
    sopClassUID: text(dataset, '00080016'),
    sopInstanceUID: text(dataset, '00080018'),
  }),
};

/** A module of one frame; undefined for modules that this application does not state. */
export function buildModule(type: string, dataset: Dataset, index: number): unknown {
  return BUILDERS[type]?.(dataset, index);
}
