import type { LibraryModel, SlotKind } from '@/api/model-endpoints';

/** The words of the page of models. */
export const models = {
  tab: 'Models',
  intro:
    'The models that this portal has. A worker loads only what stands on the portal’s signed list.',
  name: 'Model',
  use: 'Intended use',
  state: 'State',
  sites: 'In use at',
  nowhere: 'nowhere',
  good: 'On the signed list',
  card: 'Card',
  cardRow: 'Of what',
  restOfCard: 'Everything else on the card',
  cardLabel: (model: string) => `The card of ${model}`,
  activate: 'Use…',
  activateLabel: (model: string) => `Use ${model} at a site`,
  activateTitle: (model: string) => `Use ${model} at a site`,
  activateDetail:
    'Studies are judged with the thresholds that its card suggests; change them under Slots. In its kind it takes the place of other versions of the same model. As live it is given the open list too.',
  activateSubmit: 'Use it',
  site: 'Site',
  kind: 'As',
  kinds: {
    live: 'Live: shown to readers',
    shadow: 'Shadow: runs, is never shown',
    challenger: 'Challenger',
  } satisfies Record<SlotKind, string>,
  short: {
    live: 'live',
    shadow: 'shadow',
    challenger: 'challenger',
  } satisfies Record<SlotKind, string>,
  uses: {
    triage: 'Triage',
    detection: 'Detection',
    segmentation: 'Segmentation',
  } satisfies Record<LibraryModel['intended_use'], string>,
  withdraw: 'Withdraw…',
  withdrawLabel: (model: string) => `Withdraw ${model}`,
  withdrawTitle: (model: string) => `Withdraw ${model}?`,
  withdrawDetail:
    'It leaves the signed list and every site. Workers stop using it within seconds. What it said stays on record.',
  withdrawSubmit: 'Withdraw it everywhere',
  reason: 'Reason',
  failed: 'Not changed',
  empty: 'There are no models.',
  notSaid: 'not said',
  parts: {
    purpose: 'Purpose',
    population: 'Population',
    limits: 'Limits',
    labels: 'What it says',
    performance: 'Measured performance',
    uncertainty: 'When it is unsure',
    input: 'May be given',
    training_data: 'Training data',
    provenance: 'Where it came from',
  },
} as const;
