import { Menu } from '@mantine/core';
import { Fragment, type RefObject, useEffect, useLayoutEffect, useState } from 'react';
import type { Command, CommandGroup } from '@/commands/command';
import type { ReadingContext } from '@/commands/reading/context';
import { CommandKey } from '@/features/shell/command-key';
import { toolbar as words } from '@/text/en-toolbar';
import { Glyph } from '@/ui/glyph';

/** Which groups give up their place first where the window is narrow. */
const FOLDED_FIRST: readonly string[] = ['layout', 'link', 'image', 'edit', 'segment'];

/** The groups that have no place of their own, when `n` of them gave theirs up. */
export function foldedOf(n: number): ReadonlySet<string> {
  return new Set(FOLDED_FIRST.slice(0, n));
}

/**
 * How many groups must give up their place so that nothing of a bar is cut off: one more
 * as long as it holds more than it is wide, and all anew when its width changes.
 *
 * @param content what changes when the bar holds something else.
 */
export function useFolded(bar: RefObject<HTMLElement | null>, content: string): number {
  const [folded, setFolded] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew for each
  useLayoutEffect(() => {
    const element = bar.current;
    if (!element || folded >= FOLDED_FIRST.length) return;
    if (element.scrollWidth > element.clientWidth) setFolded(folded + 1);
  }, [bar, folded, content]);
  useEffect(() => {
    const element = bar.current;
    if (!element) return;
    let width = element.clientWidth;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      setFolded(0);
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [bar]);
  return folded;
}

interface ItemProps {
  readonly command: Command<ReadingContext>;
  readonly context: ReadingContext;
  readonly now: () => ReadingContext;
}

function Item({ command, context, now }: ItemProps) {
  return (
    <Menu.Item
      disabled={!command.when(context)}
      onClick={() => command.perform(now())}
      rightSection={<CommandKey command={command} />}
    >
      <span className="measure-item">
        {command.glyph ? <Glyph name={command.glyph} /> : null}
        {command.name}
        {command.on?.(context) ? <span className="t3">{words.isOn}</span> : null}
      </span>
    </Menu.Item>
  );
}

interface MoreProps {
  readonly groups: readonly CommandGroup<ReadingContext>[];
  /** What the items look like is read from it, */
  readonly context: ReadingContext;
  /** and this one is what they act on. */
  readonly now: () => ReadingContext;
}

/** The tools that have no place in the bar, with their names and keys. */
export function MoreTools({ groups, context, now }: MoreProps) {
  if (groups.length === 0) return null;
  return (
    <section aria-label={words.more}>
      <div>
        <Menu position="bottom-end" width={320}>
          <Menu.Target>
            <button type="button" className="preset more-tools" aria-label={words.more}>
              +{groups.length} <Glyph name="down" small />
            </button>
          </Menu.Target>
          <Menu.Dropdown className="more-dropdown">
            {groups.map(({ group, name, commands }) => (
              <Fragment key={group}>
                <Menu.Label>{name}</Menu.Label>
                {commands.map((command) => (
                  <Item key={command.id} command={command} context={context} now={now} />
                ))}
              </Fragment>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
      <h3>{words.moreTitle}</h3>
    </section>
  );
}
