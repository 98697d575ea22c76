import { Popover } from '@mantine/core';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { layoutGrid } from '@/commands/reading/layout-grid';
import { ariaHotkey, printHotkey } from '@/domain/hotkeys';
import { type Layout, LONGEST_SIDE, layoutOf, sidesOf } from '@/domain/layout';
import { setDisplay, useDisplay } from '@/state/display';
import { useKeyOf } from '@/state/own-keys';
import { chooseLayout, useRoom } from '@/state/room';
import { display } from '@/text/en-display';
import { Glyph } from '@/ui/glyph';

const words = display.grid;
const SIDES = Array.from({ length: LONGEST_SIDE }, (_, n) => n + 1);
const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
};

function choose(layout: Layout): void {
  chooseLayout(layout);
  setDisplay({ gridPicker: false });
}

/** Nine cells: the one pointed at is the lower right corner of the grid. */
function Cells({ layout }: { layout: Layout }) {
  const [chosen, setChosen] = useState(layout);
  const table = useRef<HTMLDivElement>(null);
  const { rows, columns } = sidesOf(chosen);
  useEffect(() => {
    table.current?.querySelector<HTMLElement>(`[data-grid="${chosen}"]`)?.focus();
  }, [chosen]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    setChosen(layoutOf(rows + step[0], columns + step[1]));
  };
  return (
    <div className="grid-picker">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows walk its buttons */}
      <div ref={table} className="cells" onKeyDown={onKeyDown}>
        {SIDES.flatMap((row) =>
          SIDES.map((column) => (
            <button
              key={`${row}${column}`}
              type="button"
              data-grid={layoutOf(row, column)}
              // The trap of the popover focuses this one, perhaps after an arrow.
              data-autofocus={layoutOf(row, column) === chosen || undefined}
              className={row <= rows && column <= columns ? 'in' : ''}
              aria-label={words.cell(row, column)}
              onPointerMove={(event) => {
                // A pointer that rests where the table opens must not choose.
                if (event.movementX || event.movementY) {
                  setChosen(layoutOf(row, column));
                }
              }}
              onClick={() => choose(layoutOf(row, column))}
            />
          )),
        )}
      </div>
      <p>
        <b>{words.size(rows, columns)}</b> {words.hint}
      </p>
    </div>
  );
}

/** The button with the present grid on it, and the little table of grids. */
export function GridPicker() {
  const layout = useRoom((state) => state.layout);
  const opened = useDisplay((state) => state.gridPicker);
  const { rows, columns } = sidesOf(layout);
  const key = useKeyOf(layoutGrid);
  return (
    <Popover
      opened={opened}
      onChange={(gridPicker) => setDisplay({ gridPicker })}
      position="bottom-start"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <button
          type="button"
          className="preset"
          aria-label={`${words.name}: ${words.size(rows, columns)}`}
          title={`${words.name} (${printHotkey(key)})`}
          aria-keyshortcuts={ariaHotkey(key)}
          aria-expanded={opened}
          onClick={() => setDisplay({ gridPicker: !opened })}
        >
          <Glyph name="four" /> {words.size(rows, columns)}
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label={words.title}>
        {opened ? <Cells layout={layout} /> : null}
      </Popover.Dropdown>
    </Popover>
  );
}
