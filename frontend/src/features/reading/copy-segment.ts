import { useQueryClient } from '@tanstack/react-query';
import { type ForeignItem, type ForeignObject, frameKey } from '@/domain/foreign';
import { type Mask, patchOn } from '@/domain/mask';
import type { Finding } from '@/domain/model';
import type { Segment } from '@/domain/segment/model';
import { layOver } from '@/domain/segment/paint';
import { type PackIndex, type PackSeries, readStack, type Stack } from '@/imaging/pack';
import { useRoom } from '@/state/room';
import { addDrawn, setSegmenting } from '@/state/segmenting';
import { maskQuery } from './masks';
import { keyOfImage } from './segment-layer';
import { maskOn, voxelsQuery } from './use-foreign';
import { usePack } from './use-pack';

/** An image of a stack, and what a mask calls it. */
interface Named {
  readonly key: string;
  readonly name: string;
}

/** Copies a mask into a new segment of the reader's own, as one step. */
function copyMask(
  mask: Mask,
  stack: Stack,
  named: readonly Named[],
  segment: Pick<Segment, 'label' | 'source'>,
): Promise<void> {
  const [first] = stack.images;
  const patches = new Map(
    named.flatMap(({ key, name }) => {
      const patch = patchOn(mask, name);
      return patch?.pixels.includes(1) ? [[key, patch] as const] : [];
    }),
  );
  if (!first || patches.size === 0) {
    setSegmenting({ trouble: 'elsewhere' });
    return Promise.resolve();
  }
  const { rows, columns, frameOfReference } = first;
  const series = { seriesUid: stack.uid, rows, columns, frameOfReference };
  return addDrawn(series, segment, [...patches.keys()], (labels, key, number) => {
    const patch = patches.get(key);
    if (patch) layOver({ rows, columns, labels }, patch, number);
  });
}

const told = (copying: Promise<void>) =>
  copying.catch((error: unknown) => {
    setSegmenting({ trouble: error instanceof Error ? error.message : '' });
  });

/** Copies a segment from PACS into one of the reader's own. */
export function useCopyForeign() {
  const client = useQueryClient();
  const study = useRoom((state) => state.item?.study.id ?? null);
  const copy = async (object: ForeignObject, item: ForeignItem, stack: Stack) => {
    const { inside } = await client.fetchQuery(voxelsQuery(study, object, item));
    const mask = maskOn(item, inside, stack);
    if (!mask) return setSegmenting({ trouble: 'elsewhere' });
    const named = stack.images.map((image) => ({
      key: keyOfImage(image),
      name: frameKey(image.sopUid, image.frame),
    }));
    const source = {
      kind: 'foreign' as const,
      sop_uid: object.sop_uid,
      segment: item.segment?.number ?? 1,
    };
    await copyMask(mask, stack, named, { label: item.label, source });
  };
  return (object: ForeignObject, item: ForeignItem, stack: Stack) =>
    told(copy(object, item, stack));
}

const seriesWith = (index: PackIndex | null, uid: string): PackSeries | null =>
  index?.series.find((one) => one.uid === uid && one.displayable) ?? null;

/** Copies an AI finding's mask into a segment of the reader's own. */
export function useCopyFinding() {
  const client = useQueryClient();
  const { index } = usePack(useRoom((state) => state.manifest));
  const itemId = useRoom((state) => state.itemId);
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const copy = async (finding: Finding) => {
    const series = seriesWith(index, finding.mask?.series_uid ?? '');
    if (!series || base === null) return setSegmenting({ trouble: 'elsewhere' });
    const stack = await client.fetchQuery({
      queryKey: ['stack', base, series.index],
      queryFn: ({ signal }) => readStack(base, series, signal),
      staleTime: Number.POSITIVE_INFINITY,
    });
    const mask = await client.fetchQuery(maskQuery(itemId, finding.mask));
    const named = stack.images.map((image) => ({
      key: keyOfImage(image),
      name: image.sopUid,
    }));
    const source = { kind: 'ai' as const, finding_id: finding.id };
    await copyMask(mask, stack, named, { label: finding.label, source });
  };
  return (finding: Finding) => told(copy(finding));
}
