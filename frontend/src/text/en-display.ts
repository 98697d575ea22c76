/** The words of grids, hanging, earlier studies, linking and capture. */
export const display = {
  viewport: (pane: number) => `Viewport ${pane}`,
  grid: {
    name: 'Choose a grid of viewports',
    title: 'Rows and columns of viewports',
    size: (rows: number, columns: number) => `${rows} × ${columns}`,
    cell: (rows: number, columns: number) =>
      rows === 1 && columns === 1 ? 'One viewport' : `${rows} by ${columns} viewports`,
    hint: 'Arrow keys and Enter, or a click',
  },
  enlarge: 'Enlarge the viewport, or show all again',
  enlarged: (pane: number) => `Viewport ${pane}, enlarged`,
  showAll: 'Show all',
  paneTo: {
    left: 'Viewport to the left',
    right: 'Viewport to the right',
    up: 'Viewport above',
    down: 'Viewport below',
  },
  nextSeries: 'Next series in the viewport',
  previousSeries: 'Previous series in the viewport',
  dropHere: (pane: number) => `Show in viewport ${pane}`,
  dragHint: 'Drag onto a viewport, or press Enter for the active one',
};
