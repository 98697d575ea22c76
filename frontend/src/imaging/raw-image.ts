import { type Types, utilities } from '@cornerstonejs/core';
import { greyFrame } from './grey';
import { buildModule } from './modules';
import type { ImageRef } from './pack';

interface VoiModule {
  readonly windowCenter?: readonly number[];
  readonly windowWidth?: readonly number[];
  readonly voiLUTFunction?: readonly string[];
}

/**
 * Cornerstone's image of an uncompressed grey frame, made on the spot: its own way leads
 * through a worker and two copies, which costs more than the work.
 *
 * @returns null when the frame needs a decoder.
 */
export function rawImage(ref: ImageRef, bytes: Uint8Array): Types.IImage | null {
  const frame = greyFrame(ref.dataset, ref.transferSyntax, bytes);
  if (!frame) return null;
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
    getCanvas: undefined,
  };
  return image as unknown as Types.IImage;
}
