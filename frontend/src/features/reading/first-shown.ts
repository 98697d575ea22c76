import type { Finding } from '@/domain/model';
import type { PackIndex, PackSeries, Stack } from '@/imaging/pack';

/** The image that AI's first mark or shape is on; '' when none has a place. */
export function firstMarked(findings: readonly Finding[]): string {
  const placed = findings.find((one) => one.positive && (one.location ?? one.mask));
  const { location, mask } = placed ?? {};
  return location?.sop_uid ?? mask?.sop_uids[mask.sop_uids.length >> 1] ?? '';
}

/** The series of the pack that holds an image. */
export function seriesHolding(index: PackIndex | null, sopUid: string): number | null {
  const found = index?.series.find((series) =>
    series.instances.some((instance) => instance.sop_uid === sopUid),
  );
  return found?.index ?? null;
}

/** The series that hangs first: with AI's first mark, else the first to be shown. */
export function firstSeries(index: PackIndex, findings: readonly Finding[]) {
  const wanted = seriesHolding(index, firstMarked(findings));
  const first = index.series.find((one) => one.displayable && one.instances.length > 0);
  return index.series.find((one) => one.index === wanted) ?? first ?? null;
}

/** The instance of a series that shows first. */
export function markedInstance(series: PackSeries, findings: readonly Finding[]) {
  const wanted = firstMarked(findings);
  const marked = series.instances.find((one) => one.sop_uid === wanted);
  return marked ?? series.instances[0] ?? null;
}

/** The image of a series that shows first. */
export function firstImage(stack: Stack, findings: readonly Finding[]) {
  const wanted = firstMarked(findings);
  return stack.images.find((image) => image.sopUid === wanted) ?? stack.images[0] ?? null;
}
