/** The card of a model as a person writes it; the portal says what it lacks. */
export type Card = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : false;
}

/** What stands at a path such as `input.modalities`; undefined where nothing does. */
export function partOf(card: Card, path: string): unknown {
  let found: unknown = card;
  for (const name of path.split('.')) {
    found = isObject(found) ? found[name] : undefined;
  }
  return found;
}

/** The card with a value at a path; an empty value is taken away. */
export function withPart(card: Card, path: string, value: unknown): Card {
  const [name = '', ...rest] = path.split('.');
  const inner = card[name];
  const next =
    rest.length === 0
      ? value
      : withPart(isObject(inner) ? inner : {}, rest.join('.'), value);
  const { [name]: _, ...others } = card;
  const gone = isEmpty(next) || (isObject(next) && Object.keys(next).length === 0);
  return gone ? others : { ...others, [name]: next };
}

/** A value of a card as text to be edited. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}

/** What a text of the form stands for: an object where it is one in JSON. */
export function meantBy(text: string): unknown {
  return text.trim().startsWith('{') ? (objectOf(text) ?? text) : text;
}

/** The object that a text is in JSON; null when it is none. */
export function objectOf(text: string): Card | null {
  try {
    const said: unknown = JSON.parse(text);
    return isObject(said) ? said : null;
  } catch {
    return null;
  }
}

/** A list, one entry a line. */
export const linesOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join('\n') : textOf(value);

export const listOfLines = (text: string): string[] =>
  text.split('\n').filter((line, place, all) => line || place < all.length - 1);

/** DICOM words: `DX, CR`. */
export const wordsOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(', ') : '';

export const listOfWords = (text: string): string[] =>
  text
    .split(/[,\s]+/)
    .map((word) => word.toUpperCase())
    .filter(Boolean);

/** A row of a list of objects in a card, such as a label or a step. */
export type CardRow = Readonly<Record<string, unknown>>;

export function rowsOf(card: Card, path: string): readonly CardRow[] {
  const rows = partOf(card, path);
  return Array.isArray(rows) ? rows.filter(isObject) : [];
}

/** The rows with the one at a place moved one place forward. */
export function earlierRow(rows: readonly CardRow[], place: number): readonly CardRow[] {
  const moved = rows[place];
  const before = rows[place - 1];
  if (!moved || !before) return rows;
  return rows.map((row, index) => {
    if (index === place - 1) return moved;
    return index === place ? before : row;
  });
}

/** A step's parameters as a person types them: `height 224, width 224`. */
export function paramsOf(step: CardRow): string {
  return Object.entries(step)
    .filter(([name]) => name !== 'name')
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ');
}

/** Parameters from such a text; null when it can not be read. */
export function readParams(text: string): CardRow | null {
  const found: Record<string, unknown> = {};
  const parts = text.split(/,(?![^[]*\])/).map((part) => part.trim());
  for (const part of parts.filter(Boolean)) {
    const match = /^([a-z_]+)[ =:]+(.+)$/.exec(part);
    if (!match?.[1] || !match[2]) return null;
    try {
      found[match[1]] = JSON.parse(match[2]);
    } catch {
      return null;
    }
  }
  return found;
}

/** How outputs differ before and after a conversion, as the importer measured it. */
export interface Figures {
  readonly what?: unknown;
  readonly largest_difference?: unknown;
  readonly largest_output?: unknown;
  readonly n_differing?: unknown;
  readonly n?: unknown;
}

/** A small number in a few digits: 2.4e-7. */
export const shortNumber = (value: unknown): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(2))) : '?';
