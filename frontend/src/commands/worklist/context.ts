import type { Id, Row } from '@/domain/model';

/** What a command of the worklist may know and do. */
export interface ListContext {
  readonly row: Row | null;
  readonly pending: number;
  /** The list is live and this person may lease. */
  readonly canOpen: boolean;
  readonly can: (permission: string) => boolean;
  readonly open: (id: Id) => void;
  readonly takeNext: () => void;
  readonly explain: (id: Id | null) => void;
  readonly askBand: (id: Id) => void;
  readonly focusSearch: () => void;
  readonly help: () => void;
}
