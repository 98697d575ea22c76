import { expect, test } from 'vitest';
import { objectKind } from './en-objects';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
const kind = (part: string, modality: string) =>
  objectKind({ sop_class_uid: part && STORAGE + part, modality });

test('an object is named by what it is, whatever modality its maker chose', () => {
  expect(kind('30', 'OT')).toBe('Parametric map (OT)');
  expect(kind('30', 'MR')).toBe('Parametric map (MR)');
  expect(kind('66.4', 'OT')).toBe('Segmentation (OT)');
  expect(kind('66.1', 'REG')).toBe('Registration (REG)');
  expect(kind('66.5', 'SEG')).toBe('Surface segmentation (SEG)');
  expect(kind('88.59', 'KO')).toBe('Key images (KO)');
  expect(kind('88.67', 'SR')).toBe('Radiation dose report (SR)');
  expect(kind('104.1', 'DOC')).toBe('PDF document (DOC)');
  expect(kind('481.3', 'RTSTRUCT')).toBe('Radiotherapy structures (RTSTRUCT)');
});

test('a class that is not named itself is named by its family, never by another', () => {
  expect(kind('9.1.3', 'ECG')).toBe('ECG (ECG)');
  expect(kind('88.34', 'SR')).toBe('Structured report (SR)');
  expect(kind('481.25', 'RTRAD')).toBe('Radiotherapy object (RTRAD)');
  expect(kind('300.1', 'OT')).toBe('Other object (OT)');
});

test('without a class of the standard the modality says it', () => {
  expect(kind('', 'KO')).toBe('Key images (KO)');
  expect(objectKind({ sop_class_uid: '1.3.12.2.1107.5.9.1', modality: 'RAW' })).toBe(
    'Raw data (RAW)',
  );
  expect(kind('', 'OT')).toBe('Other object (OT)');
  expect(kind('', '')).toBe('Other object');
});
