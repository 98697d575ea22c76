import { NumberInput, Select, TextInput } from '@mantine/core';
import { type CardRow, earlierRow, partOf, withPart } from '@/domain/model-card';
import { modelsAdd as words } from '@/text/en-models-add';
import { numberOf, type RowsProps } from './models-add-rows';

/** How MR is weighted, as cards call it (docs/model-packages.md). */
const WEIGHTINGS = ['T1', 'T1C', 'T2', 'T2*', 'FLAIR', 'PD', 'DWI', 'ADC', 'SWI'];
const SEVERAL = Object.entries(words.several).map(([value, label]) => ({ value, label }));

const textAt = (row: CardRow, name: string): string | null => {
  const value = row[name];
  return typeof value === 'string' ? value : null;
};

const numberAt = (row: CardRow, path: string): number | '' => {
  const value = partOf(row, path);
  return typeof value === 'number' ? value : '';
};

function RoleRow(props: {
  readonly row: CardRow;
  readonly place: number;
  readonly disabled: boolean;
  readonly onChange: (row: CardRow) => void;
  readonly onEarlier: () => void;
  readonly onRemove: () => void;
}) {
  const { row, place, disabled, onChange } = props;
  const named = (name: keyof typeof words.roleFields) => ({
    label: words.roleFields[name],
    'aria-label': `${words.role(place + 1)}: ${words.roleFields[name]}`,
    className: 'short',
    disabled,
  });
  const put = (path: string, value: unknown) => onChange(withPart(row, path, value));
  return (
    <div className="card-row">
      <TextInput
        {...named('name')}
        value={textAt(row, 'name') ?? ''}
        onChange={(event) => put('name', event.currentTarget.value)}
      />
      <Select
        {...named('weighting')}
        clearable
        data={WEIGHTINGS}
        value={textAt(row, 'weighting')}
        onChange={(value) => put('weighting', value)}
      />
      <NumberInput
        {...named('b_value.min')}
        min={0}
        value={numberAt(row, 'b_value.min')}
        onChange={(value) => put('b_value.min', numberOf(value))}
      />
      <NumberInput
        {...named('b_value.max')}
        min={0}
        value={numberAt(row, 'b_value.max')}
        onChange={(value) => put('b_value.max', numberOf(value))}
      />
      <Select
        {...named('several')}
        clearable
        data={SEVERAL}
        placeholder={words.several.refuse}
        value={textAt(row, 'several')}
        onChange={(value) => put('several', value)}
      />
      <button
        type="button"
        className="btn small"
        disabled={disabled || place === 0}
        aria-label={words.earlierRole(place + 1)}
        onClick={props.onEarlier}
      >
        ↑
      </button>
      <button
        type="button"
        className="btn small"
        disabled={disabled}
        aria-label={words.removeRole(place + 1)}
        onClick={props.onRemove}
      >
        ×
      </button>
    </div>
  );
}

/** The series of a model of several, in the order of its channels. */
export function RoleRows({ rows, disabled, problem, onChange }: RowsProps) {
  const wrong = problem('input.roles');
  return (
    <>
      <p className="card-hint">{words.rolesDetail}</p>
      {wrong ? <p className="card-problem">{wrong}</p> : null}
      {rows.map((row, place) => (
        <RoleRow
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
          key={place}
          row={row}
          place={place}
          disabled={disabled}
          onChange={(next) =>
            onChange(rows.map((one, index) => (index === place ? next : one)))
          }
          onEarlier={() => onChange(earlierRow(rows, place))}
          onRemove={() => onChange(rows.filter((_, index) => index !== place))}
        />
      ))}
      <button
        type="button"
        className="btn small"
        disabled={disabled}
        onClick={() => onChange([...rows, {}])}
      >
        {words.addRole}
      </button>
    </>
  );
}
