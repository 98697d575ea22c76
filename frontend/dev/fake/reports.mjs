// The written report of the development fake.
const TEMPLATE = {
  code: 'chest-ct',
  version: 0,
  name: 'CT chest',
  modalities: ['CT'],
  body_parts: [],
  protocols: [],
  sections: [
    ['indication', 'Indication', 'text', true, ''],
    ['technique', 'Technique', 'text', false, 'Computed tomography of the chest.'],
    ['comparison', 'Comparison', 'text', false, ''],
    ['findings', 'Findings', 'findings', false, ''],
    ['impression', 'Impression', 'impression', false, ''],
  ].map(([key, title, kind, required, start]) => ({
    key,
    title,
    kind,
    required,
    start,
    normal: '',
  })),
};

/** What the portal drafts of the answers so far. */
export function draftOf(content, ai) {
  const findings = ai.visible ? ai.runs.flatMap((run) => run.findings) : [];
  const codes = findings
    .filter((finding) => content.verdicts[finding.id])
    .map((finding) => ({
      ...finding.label,
      present: (content.verdicts[finding.id].verdict !== 'reject') === finding.positive,
      source: 'ai',
      source_id: finding.id,
    }));
  const said = codes.map((one) => (one.present ? one.display : `No ${one.display}`));
  const { code, version, name } = TEMPLATE;
  return {
    template: TEMPLATE,
    report: {
      template: { code, version, name },
      sections: TEMPLATE.sections
        .filter((section) => section.kind !== 'impression')
        .map(({ key, title, kind, start }) => ({
          key,
          title,
          text: kind === 'findings' ? said.map((one) => `${one}.`).join('\n') : start,
          edited: false,
        })),
      codes,
    },
  };
}

export const EARLIER = {
  items: [
    {
      id: 'eeeeeeee-0000-4000-8000-000000000001',
      study: {
        id: 'eeeeeeee-0000-4000-8000-000000000002',
        description: 'Chest, two views',
        modality: 'DX',
        study_date: '2026-08-02',
      },
      signed_by: 'Reader 03',
      signed_at: '2026-08-02T10:12:00.000000Z',
      sections: [
        { title: 'Technique', text: 'Radiograph of the chest.' },
        { title: 'Findings', text: 'Pleural effusion: small, left.\nNo pneumothorax.' },
      ],
      impression: 'Small left effusion.',
    },
  ],
};
