import { create } from 'zustand';
import type { ForeignKind, ForeignObject, ValueMap } from '@/domain/foreign';
import type { MapLook } from '@/domain/parametric';

/** What of the objects from PACS is drawn, and which of them is looked at. */
interface ForeignState {
  /** Objects whose switch was turned, by SOP Instance UID; others follow their kind. */
  readonly shown: Readonly<Record<string, boolean>>;
  /** Items that are left out, by `itemId`. */
  readonly hidden: Readonly<Record<string, boolean>>;
  /** Objects whose items are listed. */
  readonly open: Readonly<Record<string, boolean>>;
  /** The item that was jumped to, by `itemId`. */
  readonly active: string | null;
  readonly opacity: number;
  /** How maps are shown, by `itemId`: what of it was changed. */
  readonly looks: Readonly<Record<string, Partial<MapLook>>>;
  /** By pane, the presentation state that it shows its images by. */
  readonly applied: Readonly<Record<number, ForeignObject>>;
}

/** What covers much of the image waits to be asked for. */
const SHOWN_AT_FIRST: Readonly<Record<ForeignKind, boolean>> = {
  sr: true,
  seg: false,
  rtstruct: false,
  gsps: false,
  kos: false,
  pm: false,
  other: false,
};

export const useForeignState = create<ForeignState>(() => ({
  shown: {},
  hidden: {},
  open: {},
  active: null,
  opacity: 0.2,
  looks: {},
  applied: {},
}));

export const itemId = (object: ForeignObject, key: string) => `${object.sop_uid}#${key}`;

export function isShown(
  shown: Readonly<Record<string, boolean>>,
  object: ForeignObject,
): boolean {
  return shown[object.sop_uid] ?? SHOWN_AT_FIRST[object.kind];
}

export function showObject(object: ForeignObject, on: boolean): void {
  useForeignState.setState(({ shown, open }) => ({
    shown: { ...shown, [object.sop_uid]: on },
    open: on ? { ...open, [object.sop_uid]: true } : open,
  }));
}

export function openObject(object: ForeignObject, on: boolean): void {
  useForeignState.setState(({ open }) => ({ open: { ...open, [object.sop_uid]: on } }));
}

export function showItem(id: string, on: boolean): void {
  useForeignState.setState(({ hidden }) => ({ hidden: { ...hidden, [id]: !on } }));
}

const MAP_OPACITY = 0.6;

/** How a map is shown: as it asks for at first. */
export function lookOf(
  looks: Readonly<Record<string, Partial<MapLook>>>,
  id: string,
  { low, high }: ValueMap,
): MapLook {
  return { low, high, opacity: MAP_OPACITY, scale: 'viridis', ...looks[id] };
}

/** A map is shown again as it asked for. */
export function resetLook(id: string): void {
  useForeignState.setState(({ looks }) => {
    const { [id]: _changed, ...others } = looks;
    return { looks: others };
  });
}

export function changeLook(id: string, change: Partial<MapLook>): void {
  useForeignState.setState(({ looks }) => ({
    looks: { ...looks, [id]: { ...looks[id], ...change } },
  }));
}

export function chooseItem(id: string | null): void {
  useForeignState.setState({ active: id });
}

/** A pane shows its images by a presentation state from now on; null: as they are. */
export function applyObject(pane: number, object: ForeignObject | null): void {
  useForeignState.setState(({ applied }) => {
    const { [pane]: _before, ...others } = applied;
    return { applied: object ? { ...others, [pane]: object } : others };
  });
}
