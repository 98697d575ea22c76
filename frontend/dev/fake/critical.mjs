// Critical results of the development fake.
import { randomUUID } from 'node:crypto';
import { ago, change, iso, ME, OTHER, rows } from './world.mjs';

const HOW = [
  ['phone', 'By telephone'],
  ['in_person', 'In person'],
  ['message', 'By a secure message that was answered'],
  ['pager', 'By pager, called back'],
].map(([code, display]) => ({ code, display }));
const WHY_NOT = [
  ['already_known', 'The treating team knows of it already'],
  ['unreachable', 'Nobody responsible could be reached'],
  ['other', 'Other (say what)'],
].map(([code, display]) => ({ code, display }));
const CODES = ['36118008', '59282003'];
const results = [];

function make(row, source, label, person, minutes) {
  results.push({
    id: randomUUID(),
    state: 'open',
    item_id: row.id,
    source_id: source,
    site: row.site,
    patient: { name: row.patient.name, id: row.patient.id },
    study: {
      id: row.study.id,
      description: row.study.description,
      modality: row.study.modality,
      study_date: row.study.study_date,
      accession_number: row.study.accession_number,
    },
    label,
    reader: person,
    mine: person === ME,
    raised_at: ago(minutes),
    remind_at: ago(-10),
    reminders: Math.floor(minutes / 15),
    told: null,
  });
  return results.at(-1);
}

function close(result, telling) {
  const how = HOW.find(({ code }) => code === telling.how)?.display ?? '';
  const reason = WHY_NOT.find(({ code }) => code === telling.reason_code)?.display ?? '';
  result.state = 'closed';
  result.told = {
    told_to: '',
    told_role: '',
    told_at: null,
    read_back: null,
    reason_text: '',
    ...telling,
    how,
    reason,
    closed_at: iso(Date.now()),
    closed_by: ME,
  };
  return result;
}

function before() {
  if (results.length > 0) return;
  const [first, second, third] = rows.values();
  make(first, 'a', { scheme: 'SCT', code: '36118008', display: 'Pneumothorax' }, ME, 34);
  const label = { scheme: 'SCT', code: '59282003', display: 'Pulmonary embolism' };
  make(second, 'b', label, OTHER, 5);
  close(make(third, 'c', label, OTHER, 90), {
    told_to: 'Dr. Ward',
    told_role: 'Emergency department',
    how: 'phone',
    told_at: ago(80),
    read_back: true,
  });
}

/** What signing a reading does: its critical findings are told, or stay open. */
export function raiseCritical(row, body, ai) {
  before();
  const findings = ai.visible ? ai.runs.flatMap((run) => run.findings) : [];
  for (const finding of findings) {
    const verdict = body.content.verdicts[finding.id];
    const there =
      verdict && (verdict.verdict === 'modify') | (verdict.verdict === 'accept');
    if (!there || finding.acuity !== 'critical') continue;
    const made = make(row, finding.id, finding.label, ME, 0);
    if (body.told?.[finding.id]) close(made, body.told[finding.id]);
  }
  for (const mark of body.content.annotations) {
    if (!CODES.includes(mark.label.code)) continue;
    const made = make(row, mark.id, mark.label, ME, 0);
    if (body.told?.[mark.id]) close(made, body.told[mark.id]);
  }
}

export const CRITICAL_ROUTES = [
  [
    'GET',
    /^critical-results$/,
    (_, { search }) => {
      before();
      const items = results.filter(({ state }) => state === search.get('state'));
      return { items, total: items.length, how: HOW, why_not: WHY_NOT };
    },
  ],
  [
    'GET',
    /^worklist\/items\/([^/]+)\/critical-results$/,
    ([, id]) => {
      before();
      const whose = rows.get(id)?.patient.id;
      const items = results.filter(({ patient }) => patient.id === whose);
      return { codes: CODES, items, how: HOW, why_not: WHY_NOT };
    },
  ],
  [
    'POST',
    /^critical-results\/([^/]+)\/close$/,
    ([, id], { body }) => {
      const result = close(
        results.find((one) => one.id === id),
        body,
      );
      change(rows.get(result.item_id));
      return result;
    },
  ],
];
