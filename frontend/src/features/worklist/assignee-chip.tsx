import { Popover, Radio } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Assignee, readAssignees } from '@/api/list-endpoints';
import type { User } from '@/domain/model';
import { chooseFilters, useWorklist } from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';

const words = worklist.assignees;

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly n: number | null;
}

/** Whoever has something assigned; oneself and nobody always; who is chosen too. */
function choicesOf(people: readonly Assignee[], me: User, now: string): Choice[] {
  const mine = people.find((one) => one.id === me.id)?.assigned ?? 0;
  const others = people
    .filter((one) => one.id !== me.id)
    .map((one) => ({
      value: one.id,
      label: words.to(one.display_name),
      n: one.assigned,
    }));
  const choices = [
    { value: '', label: words.anybody, n: null },
    { value: me.id, label: words.me, n: mine },
    { value: 'nobody', label: words.nobody, n: null },
    ...others,
  ];
  if (choices.some((one) => one.value === now)) return choices;
  return [...choices, { value: now, label: text.common.chooseOne, n: 0 }];
}

/** Narrows the list to what is meant for one person, for nobody, or for oneself. */
export function AssigneeChip({ user }: { user: User }) {
  const now = useWorklist((state) => state.filters.assignee);
  const [opened, setOpened] = useState(false);
  const { data, error } = useQuery({
    queryKey: ['list-assignees'],
    queryFn: readAssignees,
    enabled: opened || (now !== '' && now !== 'nobody' && now !== user.id),
    staleTime: 0,
  });
  const choices = choicesOf(data ?? [], user, now);
  const chosen = choices.find((one) => one.value === now)?.label ?? '';
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
        <span className={now === '' ? 'chip' : 'chip on'}>
          <button
            type="button"
            aria-haspopup="dialog"
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            {worklist.assignee}
            {now === '' ? <Glyph name="down" small /> : <b className="cut">{chosen}</b>}
          </button>
          {now === '' ? null : (
            <button
              type="button"
              aria-label={text.list.clearFilter(worklist.assignee)}
              onClick={() => chooseFilters({ assignee: '' })}
            >
              <Glyph name="cross" small />
            </button>
          )}
        </span>
      </Popover.Target>
      <Popover.Dropdown role="dialog" aria-label={worklist.assignee}>
        <Radio.Group
          aria-label={worklist.assignee}
          value={now}
          onChange={(value) => chooseFilters({ assignee: value })}
        >
          <div className="form-column assignees">
            {choices.map((choice) => (
              <Radio
                key={choice.value}
                value={choice.value}
                size="xs"
                label={choice.label}
                description={choice.n === null ? undefined : words.n(choice.n)}
              />
            ))}
            {error ? <span className="t3">{words.failed}</span> : null}
          </div>
        </Radio.Group>
      </Popover.Dropdown>
    </Popover>
  );
}
