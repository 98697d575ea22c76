import { formatExact } from '@/domain/format';
import { audit as words } from '@/text/en-audit';

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;
const CODE = /^[a-z]+(_[a-z]+)+$/;

function sayText(value: string): string {
  if (INSTANT.test(value)) return formatExact(value);
  return CODE.test(value) ? value.replaceAll('_', ' ') : value;
}

function sayValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(sayValue).filter(Boolean).join(', ');
  if (typeof value === 'boolean') return value ? words.yes : words.no;
  if (typeof value === 'string') return sayText(value);
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? sayParts(value).join(', ') : `${value}`;
}

function sayParts(value: object): readonly string[] {
  return Object.entries(value).map(
    ([name, part]) => `${name.replaceAll('_', ' ')} ${sayValue(part)}`,
  );
}

/** What came after is said last, behind what came before. */
function inOrder([a]: [string, unknown], [b]: [string, unknown]): number {
  return Number(a === 'after') - Number(b === 'after');
}

/** What a record of the audit log says besides, in words; what is empty is left out. */
export function detailWords(detail: unknown): string {
  if (!detail || typeof detail !== 'object') return '';
  return Object.entries(detail)
    .sort(inOrder)
    .map(([name, value]) => ({ name, said: sayValue(value) }))
    .filter(({ said }) => said !== '')
    .map(({ name, said }) => `${words.names[name] ?? name.replaceAll('_', ' ')} ${said}`)
    .join(' · ');
}
