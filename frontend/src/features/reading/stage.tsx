import './display.css';
import { useShallow } from 'zustand/react/shallow';
import { countOf, sidesOf } from '@/domain/layout';
import { type RoomState, toggleMaximised, useRoom } from '@/state/room';
import { display } from '@/text/en-display';
import { MprStage } from './mpr-stage';
import { Pane } from './pane';
import type { PackState } from './use-pack';

/** All of the room that the stage itself depends on: panes hear of the rest themselves. */
const ownOf = ({ layout, manifest, mpr, maximised }: RoomState) => ({
  layout,
  manifest,
  mpr,
  maximised,
});

/** The middle: panes side by side, or one series in three planes. */
export function Stage({ pack }: { pack: PackState }) {
  const { layout, manifest, mpr, maximised } = useRoom(useShallow(ownOf));
  if (mpr !== null) {
    return <MprStage key={mpr} manifest={manifest} index={pack.index} series={mpr} />;
  }
  const { rows, columns } = sidesOf(layout);
  const panes = Array.from({ length: countOf(layout) }, (_, pane) => pane);
  return (
    <main
      id="main"
      className={maximised === null ? 'stage' : 'stage enlarged'}
      style={{
        gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`,
        gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
      }}
    >
      {panes.map((pane) => (
        <Pane key={pane} pane={pane} manifest={manifest} {...pack} />
      ))}
      {maximised === null ? null : (
        <button
          type="button"
          className="btn small show-all"
          onClick={() => toggleMaximised()}
        >
          {display.showAll}
        </button>
      )}
    </main>
  );
}
