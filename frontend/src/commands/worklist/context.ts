import type { Id, Row } from '@/domain/model';

/** What a command of the worklist may know and do. */
export interface ListContext {
  readonly row: Row | null;
  readonly pending: number;
  /** The list is live and this person may lease. */
  readonly canOpen: boolean;
  readonly can: (permission: string) => boolean;
  /** How many rows are chosen. */
  readonly chosen: number;
  /** The last assignment can be undone. */
  readonly canUndo: boolean;
  readonly isSorted: boolean;
  /** How many rows fit on the screen. */
  readonly pageRows: number;
  readonly open: (id: Id) => void;
  readonly takeNext: () => void;
  /** Shows the preliminary readings that wait, or one's queue again. */
  readonly toggleToVerify: () => void;
  readonly explain: (id: Id | null) => void;
  readonly askBand: (id: Id) => void;
  readonly askColumns: () => void;
  readonly askViews: () => void;
  readonly askAssign: () => void;
  readonly focusSearch: () => void;
  readonly help: () => void;
}
