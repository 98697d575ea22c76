import { NumberInput, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type CardRow, paramsOf, readParams } from '@/domain/model-card';
import { modelsAdd as words } from '@/text/en-models-add';

const choices = (names: Readonly<Record<string, string>>) =>
  Object.entries(names).map(([value, label]) => ({ value, label }));
const SCHEMES = ['SCT', 'RADLEX'];
const ACUITIES = choices(words.acuities);

/** The preprocessing that is declared by name (docs/model-packages.md). */
const STEPS = {
  film: [
    'trim_uniform_border',
    'clip_percentiles',
    'centre_square',
    'pad_square',
    'squeeze_resize',
    'standardise',
    'scale_range',
    'normalise',
    'repeat_channels',
    'breast_region',
  ],
  volume: [
    'resample',
    'clip_hu',
    'orient',
    'spacing',
    'resize',
    'scale_intensity',
    'scale_intensity_range',
    'scale_intensity_percentiles',
    'normalise_intensity',
    'crop_foreground',
    'correct_bias',
    'standardise_tissue',
  ],
};

export interface RowsProps {
  readonly rows: readonly CardRow[];
  readonly disabled: boolean;
  readonly problem: (path: string) => string | undefined;
  readonly onChange: (rows: readonly CardRow[]) => void;
}

function replaced(rows: readonly CardRow[], place: number, row: CardRow) {
  return rows.map((one, index) => (index === place ? row : one));
}

const without = (rows: readonly CardRow[], place: number) =>
  rows.filter((_, index) => index !== place);

/** The labels of a card: code, words, how bad, from which threshold. */
export function LabelRows({ rows, disabled, problem, onChange }: RowsProps) {
  const put = (place: number, name: string, value: unknown) =>
    onChange(replaced(rows, place, { ...rows[place], [name]: value }));
  return (
    <>
      {rows.map((row, place) => {
        const path = (name: string) => problem(`labels.${place}.${name}`);
        const named = (name: keyof typeof words.labelFields) => ({
          label: words.labelFields[name],
          'aria-label': `${words.label(place + 1)}: ${words.labelFields[name]}`,
          disabled,
          error: path(name),
        });
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
          <div key={place} className="card-row">
            <Select
              {...named('scheme')}
              className="short"
              data={SCHEMES}
              value={typeof row['scheme'] === 'string' ? row['scheme'] : null}
              onChange={(value) => put(place, 'scheme', value)}
            />
            <TextInput
              {...named('code')}
              className="short"
              value={String(row['code'] ?? '')}
              onChange={(event) => put(place, 'code', event.currentTarget.value)}
            />
            <TextInput
              {...named('display')}
              className="long"
              value={String(row['display'] ?? '')}
              onChange={(event) => put(place, 'display', event.currentTarget.value)}
            />
            <Select
              {...named('acuity')}
              className="short"
              data={ACUITIES}
              value={typeof row['acuity'] === 'string' ? row['acuity'] : null}
              onChange={(value) => put(place, 'acuity', value)}
            />
            <NumberInput
              {...named('threshold')}
              className="short"
              min={0}
              max={1}
              step={0.01}
              value={typeof row['threshold'] === 'number' ? row['threshold'] : ''}
              onChange={(value) => put(place, 'threshold', numberOf(value))}
            />
            <NumberInput
              {...named('output')}
              className="short"
              min={0}
              allowDecimal={false}
              value={typeof row['output'] === 'number' ? row['output'] : ''}
              onChange={(value) => put(place, 'output', numberOf(value))}
            />
            <button
              type="button"
              className="btn small"
              disabled={disabled}
              aria-label={words.removeLabel(place + 1)}
              onClick={() => onChange(without(rows, place))}
            >
              ×
            </button>
          </div>
        );
      })}
      <button
        type="button"
        className="btn small"
        disabled={disabled}
        onClick={() => onChange([...rows, { scheme: 'SCT' }])}
      >
        {words.addLabel}
      </button>
    </>
  );
}

export const numberOf = (value: string | number) =>
  typeof value === 'number' ? value : null;

function StepRow(props: {
  readonly row: CardRow;
  readonly place: number;
  readonly names: readonly string[];
  readonly disabled: boolean;
  readonly onChange: (row: CardRow) => void;
  readonly onRemove: () => void;
}) {
  const { row, place, disabled } = props;
  const [typed, setTyped] = useState(() => paramsOf(row));
  const [bad, setBad] = useState(false);
  const known = typeof row['name'] === 'string' ? row['name'] : null;
  return (
    <div className="card-row">
      <Select
        label={words.stepName}
        aria-label={`${words.step(place + 1)}: ${words.stepName}`}
        disabled={disabled}
        searchable
        data={[...props.names]}
        value={known}
        onChange={(name) => props.onChange({ ...row, name })}
      />
      <TextInput
        className="long"
        label={words.stepParams}
        aria-label={`${words.step(place + 1)}: ${words.stepParams}`}
        placeholder={words.stepParamsHint}
        disabled={disabled}
        value={typed}
        error={bad ? words.stepBad : undefined}
        onChange={(event) => {
          const text = event.currentTarget.value;
          const params = readParams(text);
          setTyped(text);
          setBad(params === null);
          if (params) props.onChange({ name: known, ...params });
        }}
      />
      <button
        type="button"
        className="btn small"
        disabled={disabled}
        aria-label={words.removeStep(place + 1)}
        onClick={props.onRemove}
      >
        ×
      </button>
    </div>
  );
}

/** The declared steps, in their order. */
export function StepRows({
  rows,
  disabled,
  volume,
  onChange,
}: Omit<RowsProps, 'problem'> & { readonly volume: boolean }) {
  return (
    <>
      {rows.map((row, place) => (
        <StepRow
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
          key={`${place}-${rows.length}`}
          row={row}
          place={place}
          names={volume ? STEPS.volume : STEPS.film}
          disabled={disabled}
          onChange={(next) => onChange(replaced(rows, place, next))}
          onRemove={() => onChange(without(rows, place))}
        />
      ))}
      <button
        type="button"
        className="btn small"
        disabled={disabled}
        onClick={() => onChange([...rows, { name: null }])}
      >
        {words.addStep}
      </button>
    </>
  );
}
