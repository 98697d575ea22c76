/** Readers at work in each shift of the local day. */
export interface Shifts {
  /** 8 to 18 h. */
  readonly day: number;
  /** 18 to 22 h. */
  readonly evening: number;
  /** 22 to 8 h. */
  readonly night: number;
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const BUSY = [
  0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 6, 8, 8, 8, 7, 8, 8, 8, 7, 5, 3, 3, 2, 2, 1, 1,
];

const localHour = (utc: number, offsetHours: number) =>
  ((Math.floor(utc + offsetHours) % 24) + 24) % 24;

/** Readers in each hour of the UTC day; `offsetHours` is local time less UTC. */
export function readersByHour(shifts: Shifts, offsetHours: number): readonly number[] {
  return HOURS.map((utc) => {
    const hour = localHour(utc, offsetHours);
    if (hour >= 8 && hour < 18) return shifts.day;
    return hour >= 18 && hour < 22 ? shifts.evening : shifts.night;
  });
}

/** So many studies a day, spread over the UTC day as a middling department's. */
export function spreadDay(studies: number, offsetHours: number): readonly number[] {
  const all = BUSY.reduce((sum, part) => sum + part, 0);
  return HOURS.map((utc) => (studies * (BUSY[localHour(utc, offsetHours)] ?? 0)) / all);
}

/** So many studies a day, spread over the day as `usual` ones are. */
export function scaleDay(usual: readonly number[], studies: number): readonly number[] {
  const all = usual.reduce((sum, n) => sum + n, 0);
  return usual.map((n) => (studies * n) / all);
}
