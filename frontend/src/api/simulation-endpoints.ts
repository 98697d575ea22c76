import type { Id } from '@/domain/model';
import { request } from './client';

/** A mean with its 95% interval, in minutes. */
export interface MeanWait {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How a group waits, in minutes; `late` is a share. */
export interface GroupWait {
  readonly n: number;
  readonly mean: MeanWait;
  readonly p99: MeanWait;
  readonly longest: number;
  readonly late: number;
}

export interface Simulation {
  readonly load: number;
  readonly days: number;
  readonly repetitions: number;
  readonly rules: Readonly<Record<string, Readonly<Record<string, GroupWait>>>>;
}

/** A department; hours of the day are UTC, shares from 0 to 1. */
export interface SimulatedDepartment {
  readonly arrivals?: readonly number[];
  readonly readers: readonly number[];
  readonly read_time: number;
  readonly ai: {
    readonly prevalence: number;
    readonly sensitivity: number;
    readonly specificity: number;
  };
  readonly acuity: string;
  readonly clinician_stat: number;
  readonly flood: number;
}

export interface UsualArrivals {
  readonly arrivals: readonly number[];
  readonly days: number;
}

export async function readArrivals(site: Id): Promise<UsualArrivals> {
  return (await request<UsualArrivals>(`sites/${site}/simulation`)).data;
}

export async function simulate(
  site: Id,
  department: SimulatedDepartment,
): Promise<Simulation> {
  const options = { method: 'POST', body: department } as const;
  return (await request<Simulation>(`sites/${site}/simulation`, options)).data;
}
