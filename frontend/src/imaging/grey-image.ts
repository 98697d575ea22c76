import { type Types, utilities } from '@cornerstonejs/core';
import { buildModule } from './modules';
import type { ImageRef } from './pack';
import type { GreyFrame, Span } from './stored';

interface VoiModule {
  readonly windowCenter?: readonly number[];
  readonly windowWidth?: readonly number[];
  readonly voiLUTFunction?: readonly string[];
}

/** What Cornerstone's image carries for us alone. */
export interface Padded {
  readonly padding?: Span | null;
}

/**
 * Cornerstone's image of a decoded grey frame, made on the spot: its own way leads
 * through a worker and copies of all values, which costs more than the work.
 */
export function greyImage(ref: ImageRef, frame: GreyFrame): Types.IImage {
  const { values, min, max } = frame;
  const { rows, columns, dataset, imageId } = ref;
  const voi = buildModule('voiLutModule', dataset, 0) as VoiModule;
  const pixel = buildModule('imagePixelModule', dataset, 0) as Record<string, unknown>;
  const lut = buildModule('modalityLutModule', dataset, 0) as {
    rescaleSlope: number;
    rescaleIntercept: number;
  };
  const whole = utilities.windowLevel.toWindowLevel(min, max);
  const preScale = {
    enabled: true,
    scaled: true,
    scalingParameters: { ...lut, modality: '' },
  };
  const image = {
    imageId,
    dataType: values.constructor.name,
    color: false,
    calibration: {},
    columnPixelSpacing: ref.spacing.column,
    rowPixelSpacing: ref.spacing.row,
    columns,
    rows,
    width: columns,
    height: rows,
    preScale,
    intercept: lut.rescaleIntercept,
    slope: lut.rescaleSlope,
    invert: pixel['photometricInterpretation'] === 'MONOCHROME1',
    minPixelValue: min,
    maxPixelValue: max,
    sizeInBytes: values.byteLength,
    windowCenter: voi.windowCenter?.[0] ?? whole.windowCenter,
    windowWidth: voi.windowWidth?.[0] ?? whole.windowWidth,
    voiLUTFunction: voi.voiLUTFunction?.[0],
    imageFrame: {
      ...pixel,
      preScale,
      smallestPixelValue: min,
      largestPixelValue: max,
    },
    voxelManager: utilities.VoxelManager.createImageVoxelManager({
      scalarData: values,
      width: columns,
      height: rows,
      numberOfComponents: 1,
    }),
    rgba: false,
    numberOfComponents: 1,
    getPixelData: () => values,
    padding: frame.padding,
    getCanvas: undefined,
  };
  return image as unknown as Types.IImage;
}
