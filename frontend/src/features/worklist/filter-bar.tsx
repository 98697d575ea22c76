import { Checkbox, Popover } from '@mantine/core';
import { type RefObject, useState } from 'react';
import { focusSearch } from '@/commands/worklist/focus-search';
import { isNarrowed, type ListField } from '@/domain/filters';
import type { Band as BandName, User } from '@/domain/model';
import { measureWait, wordMinutes } from '@/domain/wait';
import { CommandKey } from '@/features/shell/command-key';
import { useNow } from '@/state/clock';
import { chooseFilters, clearFilters, typeSearch, useWorklist } from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { Band } from '@/ui/primitives';
import { AssigneeChip } from './assignee-chip';
import { PeopleHere } from './people-here';

interface Choice {
  readonly value: string;
  readonly label: string;
}

interface ChipProps {
  readonly field: Exclude<ListField, 'state'>;
  readonly choices: readonly Choice[];
}

function Chip({ field, choices }: ChipProps) {
  const chosen: readonly string[] = useWorklist((state) => state.filters[field]);
  const name = text.list.filters[field];
  const [opened, setOpened] = useState(false);
  const labels = choices
    .filter((choice) => chosen.includes(choice.value))
    .map((choice) => choice.label);
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-start"
      shadow="md"
      trapFocus
      withRoles={false}
    >
      <Popover.Target>
        <span className={chosen.length > 0 ? 'chip on' : 'chip'}>
          <button
            type="button"
            aria-haspopup="dialog"
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            {name}
            {labels.length > 0 ? <b className="cut">{labels.join(', ')}</b> : null}
            {labels.length > 0 ? null : <Glyph name="down" small />}
          </button>
          {chosen.length > 0 ? (
            <button
              type="button"
              aria-label={text.list.clearFilter(name)}
              onClick={() => chooseFilters({ [field]: [] })}
            >
              <Glyph name="cross" small />
            </button>
          ) : null}
        </span>
      </Popover.Target>
      <Popover.Dropdown role="dialog" aria-label={name}>
        <Checkbox.Group
          value={[...chosen]}
          onChange={(value) => chooseFilters({ [field]: value })}
        >
          <div className="form-column">
            {choices.map((choice) => (
              <Checkbox
                key={choice.value}
                value={choice.value}
                label={choice.label}
                size="xs"
              />
            ))}
            {choices.length === 0 ? <span className="t3">{text.common.none}</span> : null}
          </div>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  );
}

function Search({ field }: { field: RefObject<HTMLInputElement | null> }) {
  const typed = useWorklist((state) => state.typed);
  return (
    <label className="search">
      <Glyph name="search" small />
      <span className="visually-hidden">{text.list.searchLabel}</span>
      <input
        ref={field}
        type="search"
        placeholder={text.list.search}
        value={typed}
        maxLength={100}
        autoComplete="off"
        onChange={(event) => typeSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' && event.key !== 'Enter') return;
          // The browser would empty the field: the keys that come next would be of
          // another row than the one that was searched for.
          event.preventDefault();
          event.currentTarget.blur();
        }}
      />
      <CommandKey command={focusSearch} />
    </label>
  );
}

const BANDS: readonly BandName[] = ['STAT', 'PRIORITY', 'ROUTINE'];

/** Minutes that each band allows where no row tells better (the portal's defaults). */
const DEFAULT_MINUTES: Readonly<Record<BandName, number>> = {
  STAT: 30,
  PRIORITY: 120,
  ROUTINE: 480,
};

function allowedMinutes(
  band: BandName,
  items: ReadonlyMap<string, { band: BandName; arrived_at: string; deadline_at: string }>,
) {
  for (const row of items.values()) {
    if (row.band === band) return measureWait(row.arrived_at, row.deadline_at, 0).allowed;
  }
  return DEFAULT_MINUTES[band];
}

function Counter({ band }: { band: BandName }) {
  const count = useWorklist((state) => state.page.bands[band]);
  const allowed = useWorklist((state) => allowedMinutes(band, state.list.items));
  const now = useNow();
  const oldest = count?.oldest_arrived_at;
  let words = '';
  if (count && count.past_deadline > 0)
    words = text.list.pastDeadline(count.past_deadline);
  else if (oldest) {
    const waited = Math.max(0, (now - Date.parse(oldest)) / 60_000);
    words = text.list.oldest(wordMinutes(Math.floor(waited)), wordMinutes(allowed));
  }
  return (
    <span className="counter">
      <Band band={band} />
      <b>{count?.n ?? 0}</b>
      <span className="t3">{words}</span>
    </span>
  );
}

export interface FilterBarProps {
  readonly user: User;
  readonly search: RefObject<HTMLInputElement | null>;
  readonly onColumns: () => void;
}

const plain = (values: readonly string[]): readonly Choice[] =>
  values.map((value) => ({ value, label: value }));

export function FilterBar({ user, search, onColumns }: FilterBarProps) {
  const facets = useWorklist((state) => state.page.facets);
  const filters = useWorklist((state) => state.filters);
  const states = [
    'done',
    'pending',
    'running',
    'failed',
    'rejected',
    'none',
    'blinded',
  ] as const;
  return (
    <div className="filters">
      <Search field={search} />
      <Chip field="modality" choices={plain(union(facets.modality, filters.modality))} />
      {user.sites.length > 1 ? (
        <Chip
          field="site"
          choices={user.sites.map((site) => ({ value: site.id, label: site.name }))}
        />
      ) : null}
      <Chip field="band" choices={BANDS.map((band) => ({ value: band, label: band }))} />
      <Chip
        field="body_part"
        choices={plain(union(facets.body_part, filters.body_part))}
      />
      <Chip
        field="ai"
        choices={states.map((value) => ({ value, label: text.aiStates[value] }))}
      />
      <AssigneeChip user={user} />
      {isNarrowed(filters) ? (
        <button type="button" className="btn quiet small" onClick={clearFilters}>
          {text.list.clear}
        </button>
      ) : null}
      <button type="button" className="btn quiet small" onClick={onColumns}>
        {worklist.columnsButton}
      </button>
      <span className="grow" />
      <PeopleHere />
      <span className="counters">
        {BANDS.map((band) => (
          <Counter key={band} band={band} />
        ))}
      </span>
    </div>
  );
}

/** A chosen value stays in its menu although the narrowed list no longer has it. */
function union(offered: readonly string[], chosen: readonly string[]): readonly string[] {
  return [...new Set([...offered, ...chosen])].filter(Boolean).sort();
}
