import { Popover } from '@mantine/core';
import { useState } from 'react';
import { useWorklist } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import { Avatar } from '@/ui/primitives';

const FACES = 3;

/** Who else has the list open, and who of them is reading. */
export function PeopleHere() {
  const people = useWorklist((state) => state.people);
  const [opened, setOpened] = useState(false);
  if (people.length === 0) return null;
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      shadow="md"
      trapFocus
      withRoles={false}
    >
      <Popover.Target>
        <button
          type="button"
          className="people"
          aria-haspopup="dialog"
          aria-expanded={opened}
          onClick={() => setOpened(!opened)}
        >
          {people.slice(0, FACES).map((one) => (
            <Avatar key={one.id} initials={one.initials} />
          ))}
          {worklist.here(people.length)}
        </button>
      </Popover.Target>
      <Popover.Dropdown role="dialog" aria-label={worklist.hereTitle}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the dialog's own stop */}
        <ul className="people-list" tabIndex={0}>
          {people.map((one) => (
            <li key={one.id} className="reader">
              <Avatar initials={one.initials} />
              <span>
                <span className="l1">{one.display_name}</span>
                <span className="l2">
                  {one.reading > 0 ? worklist.readingN(one.reading) : worklist.onList}
                </span>
              </span>
            </li>
          ))}
          {people.length === 0 ? <li className="t3">{worklist.alone}</li> : null}
        </ul>
      </Popover.Dropdown>
    </Popover>
  );
}
