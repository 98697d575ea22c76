import type { Id } from '@/domain/model';
import { request } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
export type SlotVersion = Schemas['SlotVersion'];
export type SlotOutput = Schemas['SlotOutput'];
export type Slots = Schemas['Slots'];
export type Routing = Schemas['Routing'];
export type Figure = Schemas['Figure'];
export type OperatingPoint = Schemas['Point'];
export type ThresholdTrial = Schemas['Threshold'];
export type TruthCount = Schemas['TruthCount'];
export type ScoreBin = Schemas['ScoreBin'];
export type TruthKind = Schemas['TruthKindEnum'];
export type CalibrationProposal = Schemas['Calibration'];
export type Reliability = Schemas['Reliability'];
export type FittedMethod = Schemas['FittedMethodEnum'];
export type SlotMethod = Schemas['SlotMethodEnum'];
export type Comparison = Schemas['SlotComparison'];
export type Compared = Schemas['SlotCompared'];
export type RoutingTrial = Schemas['RoutingTrial'];

/** What is to be otherwise in a slot's next version. */
export interface SlotChange {
  readonly thresholds?: Readonly<Record<string, number>>;
  readonly acuities?: Readonly<Record<string, SlotOutput['acuity']>>;
  readonly routing?: Routing;
}

export async function readSlots(site: Id): Promise<Slots> {
  return (await request<Slots>(`sites/${site}/slots`)).data;
}

export async function readSlotVersions(id: Id): Promise<readonly SlotVersion[]> {
  return (await request<{ items: SlotVersion[] }>(`slots/${id}/versions`)).data.items;
}

export async function changeSlot(
  id: Id,
  change: SlotChange,
  reason: string,
): Promise<SlotVersion> {
  const options = { method: 'POST', body: { ...change, reason } } as const;
  return (await request<SlotVersion>(`slots/${id}/versions`, options)).data;
}

/** One audited action on a slot: `promote`, `roll-back` (to this version), `empty`. */
export async function actOnSlot(
  id: Id,
  action: 'promote' | 'roll-back' | 'empty',
  reason: string,
): Promise<SlotVersion> {
  const options = { method: 'POST', body: { reason } } as const;
  return (await request<SlotVersion>(`slots/${id}/${action}`, options)).data;
}

export async function tryThreshold(
  id: Id,
  code: string,
  threshold: number,
  truth: TruthKind,
): Promise<ThresholdTrial> {
  const asked = new URLSearchParams({ code, threshold: String(threshold), truth });
  return (await request<ThresholdTrial>(`slots/${id}/threshold?${asked}`)).data;
}

export async function proposeCalibration(
  id: Id,
  code: string,
  method: FittedMethod,
): Promise<CalibrationProposal> {
  const asked = new URLSearchParams({ code, method });
  return (await request<CalibrationProposal>(`slots/${id}/calibration?${asked}`)).data;
}

export async function applyCalibration(
  id: Id,
  code: string,
  method: SlotMethod,
  reason: string,
): Promise<SlotVersion> {
  const options = { method: 'POST', body: { code, method, reason } } as const;
  return (await request<SlotVersion>(`slots/${id}/calibration`, options)).data;
}

export async function tryRouting(id: Id, routing: Routing): Promise<RoutingTrial> {
  const options = { method: 'POST', body: { routing } } as const;
  return (await request<RoutingTrial>(`slots/${id}/routing-trial`, options)).data;
}

/** A challenger or shadow beside the live model, by signed readings. */
export async function compareSlot(
  id: Id,
  code: string,
  truth: TruthKind,
): Promise<Comparison> {
  const search = new URLSearchParams({ code, truth });
  return (await request<Comparison>(`slots/${id}/comparison?${search}`)).data;
}
