/** A section as a template asks for it. */
export interface TemplateSectionBody {
  readonly key: string;
  readonly title: string;
  readonly kind: string;
  readonly required: boolean;
  /** What a text section begins with. */
  readonly start: string;
  /** What a findings section says when nothing was found. */
  readonly normal: string;
}

export interface TemplateBody {
  readonly name: string;
  readonly modalities: readonly string[];
  readonly body_parts: readonly string[];
  readonly protocols: readonly string[];
  readonly sections: readonly TemplateSectionBody[];
}

/** Words separated by commas, without blanks and empty ones. */
export function splitWords(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
}

/** A key or code from a title: small letters, digits and hyphens. */
export function keyFrom(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}

/** A key that no other section has. */
export function freshKey(title: string, taken: readonly string[]): string {
  const base = keyFrom(title) || 'section';
  let key = base;
  for (let n = 2; taken.includes(key); n += 1) key = `${base.slice(0, 36)}-${n}`;
  return key;
}

export const BLANK_SECTION: TemplateSectionBody = {
  key: '',
  title: '',
  kind: 'text',
  required: false,
  start: '',
  normal: '',
};

export const BLANK_TEMPLATE: TemplateBody = {
  name: '',
  modalities: [],
  body_parts: [],
  protocols: [],
  sections: [
    { ...BLANK_SECTION, key: 'technique', title: 'Technique' },
    { ...BLANK_SECTION, key: 'findings', title: 'Findings', kind: 'findings' },
    { ...BLANK_SECTION, key: 'impression', title: 'Impression', kind: 'impression' },
  ],
};

/** Sections with one of them moved by a step; at the ends nothing changes. */
export function moved<T>(list: readonly T[], place: number, by: -1 | 1): readonly T[] {
  const other = place + by;
  const [one, two] = [list[place], list[other]];
  if (one === undefined || two === undefined) return list;
  return list.map((item, at) => (at === place ? two : at === other ? one : item));
}

/** A template with keys for sections that have none yet: a key never changes after. */
export function withKeys(body: TemplateBody): TemplateBody {
  const taken = body.sections.map(({ key }) => key).filter(Boolean);
  const sections = body.sections.map((section) => {
    if (section.key) return section;
    const key = freshKey(section.title, taken);
    taken.push(key);
    return { ...section, key };
  });
  return { ...body, sections };
}
