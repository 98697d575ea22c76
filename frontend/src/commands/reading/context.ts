import type { NamedWindow } from '@/domain/hanging';
import type { Finding } from '@/domain/model';
import type { PaneControl } from '@/imaging/view-store';
import type { RoomState } from '@/state/room';

/** What a command of the reading room may know and do. */
export interface ReadingContext {
  readonly room: RoomState;
  readonly findings: readonly Finding[];
  readonly finding: Finding | null;
  readonly aiVisible: boolean;
  readonly writable: boolean;
  /** The active viewport, once it shows an image. */
  readonly view: PaneControl | null;
  readonly hasImage: boolean;
  /** Images of the active pane's stack; 0 while it shows none. */
  readonly imageCount: number;
  /** The active pane's stack plays. */
  readonly playing: boolean;
  /** The active stack's series, if it can be shown in three planes. */
  readonly volume: number | null;
  /** In words, why it cannot. */
  readonly noVolume: string | null;
  /** Of the active pane's study, the series that can be shown, in their order. */
  readonly seriesIndices: readonly number[];
  /** Windows with names, for what the active pane shows. */
  readonly presets: readonly NamedWindow[];
  /** There are earlier studies of the patient. */
  readonly priors: boolean;
  readonly links: {
    readonly scroll: boolean;
    readonly look: boolean;
    readonly lines: boolean;
  };
  /** The series of the study that is read in the active pane, as far as it can be painted. */
  readonly segmentable: string | null;
  readonly inverted: boolean;
  readonly modality: string;
  readonly can: (permission: string) => boolean;
  readonly moveFinding: (by: number) => void;
  /** Goes to the mark of one's own that lies `by` further in the list. */
  readonly moveMark: (by: number) => void;
  readonly sign: () => void;
  /** Verifies the preliminary reading that is looked at. */
  readonly verify: () => void;
  /** Ends what is being drawn or asked; with nothing of the kind, leaves. */
  readonly escape: () => void;
  /** Saves the active viewport as a picture. */
  readonly capture: () => void;
  readonly help: () => void;
}
