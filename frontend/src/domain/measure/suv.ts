/**
 * Standardised uptake values by body weight, as the QIBA profile's vendor-neutral
 * pseudo-code has them: only where the image is in Bq/ml, corrected for attenuation and
 * decay, and says dose, weight and times. Everything else stays in the stored unit.
 */
export interface UptakeFacts {
  readonly units: string;
  readonly corrections: readonly string[];
  /** START or ADMIN. */
  readonly decayCorrection: string;
  readonly weightKg: number | null;
  readonly doseBq: number | null;
  readonly halfLifeS: number | null;
  /** DICOM DA and TM of the series, and TM (or DT) of the injection. */
  readonly seriesDate: string;
  readonly seriesTime: string;
  readonly acquisitionDate: string;
  readonly acquisitionTime: string;
  readonly injection: string;
}

/** Seconds since midnight of a TM value; null when it is none. */
function secondsOf(time: string): number | null {
  const found = /^(\d{2})(\d{2})?(\d{2}(?:\.\d+)?)?/.exec(time);
  if (!found) return null;
  return Number(found[1]) * 3600 + Number(found[2] ?? 0) * 60 + Number(found[3] ?? 0);
}

const clock = (injection: string) =>
  injection.length >= 14 ? injection.slice(8) : injection;

/** A series time later than its images' is one of post-processing, not of the scan. */
function scanSeconds(facts: UptakeFacts): number | null {
  const series = secondsOf(facts.seriesTime);
  const acquired = secondsOf(facts.acquisitionTime);
  if (series === null || acquired === null) return series;
  const [s, a] = [
    facts.seriesDate + facts.seriesTime,
    facts.acquisitionDate + facts.acquisitionTime,
  ];
  return s <= a ? series : null;
}

const DAY = 86_400;

function decayed(facts: UptakeFacts, dose: number, halfLife: number): number | null {
  if (facts.decayCorrection === 'ADMIN') return dose;
  const scanned = scanSeconds(facts);
  const injected = secondsOf(clock(facts.injection));
  if (facts.decayCorrection !== 'START' || scanned === null || injected === null) {
    return null;
  }
  const waited = (scanned - injected + DAY) % DAY;
  return dose * 2 ** (-waited / halfLife);
}

const positive = (value: number | null): value is number => value !== null && value > 0;

/** What a value in Bq/ml is multiplied by to be g/ml; null where that cannot be known. */
export function uptakeFactor(facts: UptakeFacts): number | null {
  const { weightKg, doseBq, halfLifeS, corrections, units } = facts;
  const corrected = corrections.includes('ATTN') && corrections.includes('DECY');
  if (units !== 'BQML' || !corrected) return null;
  if (!positive(weightKg) || !positive(doseBq) || !positive(halfLifeS)) return null;
  const dose = decayed(facts, doseBq, halfLifeS);
  return positive(dose) ? (weightKg * 1000) / dose : null;
}
