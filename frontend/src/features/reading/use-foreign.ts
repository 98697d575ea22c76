import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import {
  mapUrl,
  readForeign,
  readForeignObject,
  segmentUrl,
} from '@/api/foreign-endpoints';
import {
  type ForeignItem,
  type ForeignObject,
  keysOf,
  type Place,
  reachOf,
} from '@/domain/foreign';
import { type Mask, readMask } from '@/domain/mask';
import type { Stack } from '@/imaging/pack';
import { isShown, itemId, useForeignState } from '@/state/foreign';
import { useRoom } from '@/state/room';

const KEPT_MS = 5 * 60_000;

const useStudyId = () => useRoom((state) => state.item?.study.id ?? null);

/** What others left about the study; asked for anew when AI becomes visible. */
export function useForeign() {
  const study = useStudyId();
  const phase = useRoom((state) => state.reading?.state ?? null);
  const visible = useRoom((state) => state.ai?.visible ?? false);
  return useQuery({
    queryKey: ['foreign', study, visible, phase],
    queryFn: ({ signal }) => readForeign(study ?? '', signal),
    enabled: study !== null,
    staleTime: KEPT_MS,
    gcTime: 60_000,
    retry: 1,
  });
}

function wholeQuery(study: string | null, object: ForeignObject, on: boolean) {
  return {
    queryKey: ['foreign-whole', study, object.sop_uid],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      readForeignObject(study ?? '', object.sop_uid, signal),
    enabled: study !== null && on && !object.whole,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: 1,
  };
}

/** One object with its shapes, once they are wanted. */
export function useWhole(object: ForeignObject, on: boolean) {
  const study = useStudyId();
  const { data, isError, refetch } = useQuery(wholeQuery(study, object, on));
  return { object: data ?? object, here: object.whole || !!data, isError, refetch };
}

export interface DrawnItem {
  readonly object: ForeignObject;
  readonly item: ForeignItem;
  readonly place: number;
  readonly id: string;
}

/** Every item that is to be drawn now. */
export function useDrawn(): readonly DrawnItem[] {
  const { data } = useForeign();
  const study = useStudyId();
  const shown = useForeignState((state) => state.shown);
  const hidden = useForeignState((state) => state.hidden);
  const wanted = (data?.items ?? []).filter((object) => isShown(shown, object));
  const whole = useQueries({
    queries: wanted.map((object) => wholeQuery(study, object, true)),
  });
  return wanted.flatMap((listed, at) => {
    const object = whole[at]?.data ?? listed;
    return object.items.flatMap((item, place) => {
      const id = itemId(object, item.key);
      return hidden[id] ? [] : [{ object, item, place, id }];
    });
  });
}

/** A segment's voxels, [frame][row][column]. */
export interface Voxels {
  /** 0 or 1: whether the segment holds at least half of each. */
  readonly inside: Uint8Array;
  /** How much of each a fractional segment holds, 0 to 255; null: all or nothing. */
  readonly parts: Uint8Array | null;
}

const HALF = 128;

function voxelsFrom(bytes: Uint8Array, segment: ForeignItem['segment']): Voxels {
  if (!segment?.fractional) return { inside: bytes, parts: null };
  return { inside: bytes.map((part) => (part >= HALF ? 1 : 0)), parts: bytes };
}

export function voxelsQuery(
  study: string | null,
  object: ForeignObject,
  item: ForeignItem,
) {
  const { segment } = item;
  return {
    queryKey: ['foreign-voxels', study, object.sop_uid, segment?.number ?? null],
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const url = segmentUrl(study ?? '', object.sop_uid, segment?.number ?? 0);
      const response = await fetch(url, { credentials: 'same-origin', signal });
      if (!response.ok) throw new Error(String(response.status));
      return voxelsFrom(new Uint8Array(await response.arrayBuffer()), segment);
    },
    enabled: study !== null && segment !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: 1,
  };
}

/** The values of an item's map, [frame][row][column]; NaN is none. */
export function useMapValues(object: ForeignObject, { map }: ForeignItem) {
  const study = useStudyId();
  return useQuery({
    queryKey: ['foreign-map', study, object.sop_uid, map?.number ?? null],
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const url = mapUrl(study ?? '', object.sop_uid, map?.number ?? 0);
      const response = await fetch(url, { credentials: 'same-origin', signal });
      if (!response.ok) throw new Error(String(response.status));
      return new Float32Array(await response.arrayBuffer());
    },
    enabled: study !== null && map !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: 1,
  });
}

/** The voxels of an item's segment, [frame][row][column]. */
export function useVoxels(object: ForeignObject, item: ForeignItem) {
  return useQuery(voxelsQuery(useStudyId(), object, item));
}

/** A stack's images as places, and how far each reaches. */
export function usePlaces(stack: Stack): {
  readonly places: readonly Place[];
  readonly reach: number;
} {
  return useMemo(() => ({ places: stack.images, reach: reachOf(stack.images) }), [stack]);
}

/** A segment as a mask of a stack's series; null where they have no pixels in common. */
export function maskOn(
  { segment }: ForeignItem,
  voxels: Uint8Array,
  { images }: Stack,
): Mask | null {
  if (!segment) return null;
  const keys = keysOf(segment, images, reachOf(images));
  if (keys.every((key) => key === '')) return null;
  const { rows, columns } = segment;
  return readMask(voxels, { sop_uids: keys, rows, columns });
}

/** A segment as a mask of a stack's series, as far as they have the same pixels. */
export function useSegmentMask(
  object: ForeignObject,
  item: ForeignItem,
  stack: Stack,
): Mask | null {
  const { data } = useVoxels(object, item);
  return useMemo(
    () => (data ? maskOn(item, data.inside, stack) : null),
    [item, data, stack],
  );
}
