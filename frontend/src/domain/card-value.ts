/** How a value of a model's card is shown: what it is, in words where it is a figure. */

import { isObject } from './model-card';

export type CardShape =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'words'; readonly words: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | {
      readonly kind: 'table';
      readonly heads: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly kind: 'parts'; readonly parts: readonly (readonly [string, unknown])[] };

type Fields = Readonly<Record<string, unknown>>;

const TERMS: Readonly<Record<string, string>> = {
  auroc: 'AUROC',
  brier: 'Brier score',
  dice: 'Dice',
  ece: 'expected calibration error (ECE)',
  fpr: 'FPR',
  hd95: 'HD95',
  iou: 'IoU',
  npv: 'NPV',
  ppv: 'PPV',
};

/** The name of a field for a person: `held_out` is "held out", `n_images` "number of images". */
export function cardName(name: string): string {
  const parts = name.replace(/^n_(?=.)/, 'number_of_').split('_');
  return parts.map((part) => TERMS[part] ?? part).join(' ');
}

/** A number with at most four digits that count. */
function numberWords(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** "0.26 [0.13–0.46], n 23" of a figure with its interval; null where it is none. */
function figureWords(value: Fields): string | null {
  const { value: figure, ci_low: low, ci_high: high, ...rest } = value;
  if (
    typeof figure !== 'number' ||
    typeof low !== 'number' ||
    typeof high !== 'number' ||
    Object.values(rest).some((one) => typeof one === 'object')
  ) {
    return null;
  }
  const more = Object.entries(rest).map(
    ([name, one]) => `, ${cardName(name)} ${String(one)}`,
  );
  const interval = `${numberWords(low)}–${numberWords(high)}`;
  return `${numberWords(figure)} [${interval}]${more.join('')}`;
}

/** A list that fits into a line: sizes as a product, words between commas. */
function shortList(items: readonly unknown[]): string | null {
  if (items.every((one) => typeof one === 'number')) {
    return items.map(numberWords).join(' × ');
  }
  if (!items.every((one) => typeof one === 'string')) return null;
  return items.every((one) => !one.includes(' ')) ? items.join(', ') : null;
}

/** One line of words for a value without parts of its own; null where it has some. */
function lineOf(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value === 'number') return numberWords(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (isObject(value)) return figureWords(value);
  return Array.isArray(value) ? shortList(value) : String(value);
}

function tableOf(items: readonly unknown[]): CardShape | null {
  if (!items.every(isObject)) return null;
  const heads = [...new Set(items.flatMap((one) => Object.keys(one)))];
  const rows = items.map((one) => heads.map((head) => lineOf(one[head])));
  if (rows.some((row) => row.includes(null))) return null;
  return {
    kind: 'table',
    heads: heads.map(cardName),
    rows: rows.map((row) => row.map((cell) => cell ?? '')),
  };
}

function turned(rows: readonly (readonly string[])[]): string[][] {
  return (rows[0] ?? []).map((_, place) => rows.map((row) => row[place] ?? ''));
}

/** Several things with the same figures, each by its name; the longer list goes down. */
function namedTableOf(value: Fields): CardShape | null {
  const entries = Object.entries(value);
  const shape = entries.length > 1 ? tableOf(entries.map(([, one]) => one)) : null;
  if (shape?.kind !== 'table' || shape.heads.length < 2) return null;
  const names = entries.map(([name]) => cardName(name));
  const rows = shape.rows.map((row, place) => [names[place] ?? '', ...row]);
  const across = [['', ...shape.heads], ...rows];
  const table = shape.heads.length > names.length ? turned(across) : across;
  return { kind: 'table', heads: table[0] ?? [], rows: table.slice(1) };
}

/** What a value of a card is shown as; nothing of it is lost. */
export function cardShape(value: unknown): CardShape {
  const line = Array.isArray(value) && value.length === 0 ? '' : lineOf(value);
  if (line === '') return { kind: 'nothing' };
  if (line !== null) return { kind: 'words', words: line };
  if (isObject(value)) {
    return namedTableOf(value) ?? { kind: 'parts', parts: Object.entries(value) };
  }
  const items = value as readonly unknown[];
  const table = tableOf(items);
  if (table) return table;
  const lines = items.map(lineOf);
  if (lines.every((one) => one !== null)) {
    return { kind: 'list', items: lines.filter((one) => one !== null) };
  }
  return {
    kind: 'parts',
    parts: items.map((one, place) => [String(place + 1), one] as const),
  };
}
