import { Menu } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { deleteLayout, resetLayouts } from '@/api/hanging-endpoints';
import type { Hanging } from '@/domain/hanging';
import type { PackIndex } from '@/imaging/pack';
import { applyHanging, refreshHangings, setHangings, useHangings } from '@/state/hanging';
import { useRoom } from '@/state/room';
import { display } from '@/text/en-display';
import { Glyph } from '@/ui/glyph';
import { GridPicker } from './grid-picker';

const words = display.hanging;

const NONE: readonly Hanging[] = [];
const useItems = () => useHangings((state) => state.hangings?.items ?? NONE);

/** Deletes one's own layouts, or one of them; the list then says what is left. */
async function remove(which: Hanging | 'all'): Promise<void> {
  await (which === 'all' ? resetLayouts() : deleteLayout(which.id));
  await refreshHangings();
}

function Items({ onChoose }: { onChoose: (hanging: Hanging) => void }) {
  const items = useItems();
  const applied = useHangings((state) => state.applied);
  const failed = useHangings((state) => state.failed);
  if (items.length === 0) {
    return <Menu.Label>{failed ? words.failed : words.none}</Menu.Label>;
  }
  return items.map((one) => (
    <Menu.Item
      key={one.id}
      onClick={() => onChoose(one)}
      leftSection={one.id === applied ? <Glyph name="check" small /> : null}
      rightSection={
        <span className="t3">
          {words.scopes[one.scope]}
          {one.scope !== 'built_in' && one.is_default ? `, ${words.isDefault}` : ''}
        </span>
      }
    >
      {one.name}
    </Menu.Item>
  ));
}

function Removals() {
  const items = useItems();
  const mine = items.filter((one) => one.may_delete);
  if (mine.length === 0) return null;
  return (
    <>
      <Menu.Divider />
      {mine.map((one) => (
        <Menu.Item key={one.id} onClick={() => void remove(one).catch(() => undefined)}>
          {words.remove(one.name)}
        </Menu.Item>
      ))}
      <Menu.Item onClick={() => void remove('all').catch(() => undefined)}>
        {words.reset}
      </Menu.Item>
    </>
  );
}

/** How the study hangs: what was chosen, what else fits, and the table of grids. */
export function HangingMenu() {
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const applied = useHangings((state) => state.applied);
  const items = useItems();
  const client = useQueryClient();
  const name = items.find((one) => one.id === applied)?.name ?? words.asArranged;
  const choose = (hanging: Hanging) => {
    const index = client.getQueryData<PackIndex>(['pack', base]);
    if (index) applyHanging(hanging, index.series);
  };
  return (
    <section aria-label={words.title}>
      <div>
        <Menu position="bottom-start" width={340}>
          <Menu.Target>
            <button
              type="button"
              className="preset hanging"
              aria-label={`${words.menu}: ${name}`}
              title={name}
            >
              <span>{name}</span> <Glyph name="down" small />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Items onChoose={choose} />
            <Menu.Divider />
            <Menu.Item onClick={() => setHangings({ saving: true })}>
              {words.save}
            </Menu.Item>
            <Removals />
          </Menu.Dropdown>
        </Menu>
        <GridPicker />
      </div>
      <h3>{words.title}</h3>
    </section>
  );
}
