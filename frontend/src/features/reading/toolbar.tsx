import { Menu } from '@mantine/core';
import { Fragment, memo, useCallback, useLayoutEffect, useRef } from 'react';
import type { Command } from '@/commands/command';
import type { ReadingContext } from '@/commands/reading/context';
import { windowImage, windowPresetCommands } from '@/commands/reading/window-preset';
import { ariaHotkey, printHotkey } from '@/domain/hotkeys';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyOf } from '@/state/own-keys';
import { setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { segments } from '@/text/en-segments';
import { Glyph } from '@/ui/glyph';
import { HangingMenu } from './hanging-menu';
import { ToolTip } from './tool-tip';
import { faceOf, GROUPS, hasMask } from './toolbar-face';
import { foldedOf, MoreTools, useFolded } from './toolbar-more';
import { LockedOverlay } from './unaided';

interface BarProps {
  /** What the buttons look like is read from it; it may be out of date otherwise. */
  readonly context: ReadingContext;
  /** That of this moment, which commands are performed with. */
  readonly now: () => ReadingContext;
}

interface ToolProps extends BarProps {
  readonly command: Command<ReadingContext>;
}

function run({ command, now }: Pick<ToolProps, 'command' | 'now'>): void {
  const context = now();
  if (command.when(context)) command.perform(context);
}

function label({ command, context }: ToolProps, key: string): string {
  const { name } = command;
  const named = key ? `${name} (${printHotkey(key)})` : name;
  const why = command.whyNot?.(context) ?? null;
  return why === null ? named : `${named}: ${why}`;
}

function ToolButton(props: ToolProps) {
  const { command, context } = props;
  const key = useKeyOf(command);
  return (
    <button
      type="button"
      className="tool"
      data-tip={label(props, key)}
      aria-label={command.name}
      aria-description={command.whyNot?.(context) ?? undefined}
      aria-keyshortcuts={ariaHotkey(key)}
      aria-pressed={command.on ? command.on(context) : undefined}
      aria-disabled={!command.when(context)}
      onClick={() => run(props)}
    >
      {command.glyph ? <Glyph name={command.glyph} /> : command.name}
    </button>
  );
}

function AiToggle(props: ToolProps) {
  const { command, context } = props;
  return (
    <button
      type="button"
      className="ai-toggle"
      aria-pressed={command.on?.(context) ?? false}
      aria-disabled={!command.when(context)}
      aria-description={command.whyNot?.(context) ?? undefined}
      title={command.whyNot?.(context) ?? undefined}
      onClick={() => run(props)}
    >
      {command.glyph ? <Glyph name={command.glyph} /> : null}
      {command.name} <CommandKey command={command} />
    </button>
  );
}

function Presets({ context: { presets, view, modality }, now }: BarProps) {
  const items = [
    { command: windowImage, name: windowImage.name },
    ...presets.flatMap(({ name, width, level }, n) => {
      const command = windowPresetCommands[n + 1];
      return command
        ? [{ command, name: modality === 'PT' ? name : `${name} ${width}/${level}` }]
        : [];
    }),
  ];
  return (
    <section aria-label={text.room.groups.window}>
      <div>
        <Menu position="bottom-start" width={240}>
          <Menu.Target>
            <button
              type="button"
              className="preset"
              aria-disabled={view === null}
              aria-label={text.room.groups.window}
            >
              {text.commands.toolWindow} <Glyph name="down" small />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {items.map(({ command, name }) => (
              <Menu.Item
                key={command.id}
                onClick={() => run({ command, now })}
                rightSection={<CommandKey command={command} />}
              >
                {name}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
      <h3>{text.room.groups.window}</h3>
    </section>
  );
}

/** Buttons of a large group: when the window is not small, and when it is wide. */
interface Buttons {
  readonly always: ReadonlySet<string>;
  readonly usually: ReadonlySet<string>;
  readonly whenWide: ReadonlySet<string>;
  /** What the menu of all of them is called. */
  readonly more: string;
}

const LARGE: Readonly<Record<string, Buttons>> = {
  measure: {
    always: new Set(['length']),
    usually: new Set(['ellipse', 'probe']),
    whenWide: new Set(['bidirectional', 'angle', 'rectangle', 'freehand', 'arrow']),
    more: text.measure.more,
  },
  segment: {
    always: new Set(),
    usually: new Set(['brush']),
    whenWide: new Set(['threshold', 'scissors', 'fill', 'eraser']),
    more: segments.more,
  },
};

/** The class of a button's place: which windows it is there in. */
function roomFor(
  command: Command<ReadingContext>,
  context: ReadingContext,
  { always, usually, whenWide }: Buttons,
): string | null {
  const glyph = command.glyph ?? '';
  if (always.has(glyph) || command.on?.(context)) return '';
  if (usually.has(glyph)) return 'usual-only';
  return whenWide.has(glyph) ? 'wide-only' : null;
}

interface GroupProps extends BarProps {
  readonly commands: readonly Command<ReadingContext>[];
  readonly buttons: Buttons;
}

/** The tools of a large group: the usual ones as buttons, all of them in a menu. */
function LargeGroup({ commands, buttons, ...of }: GroupProps) {
  const { context, now } = of;
  const { more } = buttons;
  return (
    <div>
      {commands.map((command) => {
        const room = roomFor(command, context, buttons);
        return room === null ? null : (
          <span key={command.id} className={room}>
            <ToolButton command={command} {...of} />
          </span>
        );
      })}
      <Menu position="bottom-start" width={290}>
        <Menu.Target>
          <button type="button" className="tool" aria-label={more}>
            <Glyph name="down" small />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {commands.map((command) => (
            <Menu.Item
              key={command.id}
              disabled={!command.when(context)}
              onClick={() => run({ command, now })}
              rightSection={<CommandKey command={command} />}
            >
              <span className="measure-item">
                {command.glyph ? <Glyph name={command.glyph} /> : null}
                {command.name}
              </span>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

/** How much of the image findings' shapes let through. */
function Opacity() {
  const opacity = useRoom((state) => state.maskOpacity);
  const marks = useRoom((state) => state.marks);
  return (
    <input
      type="range"
      className="opacity"
      min={0}
      max={100}
      step={5}
      value={Math.round(opacity * 100)}
      aria-label={text.masks.opacity}
      title={text.masks.opacity}
      disabled={!marks}
      onChange={(event) =>
        setRoom({ maskOpacity: event.currentTarget.valueAsNumber / 100 })
      }
    />
  );
}

const TOOLS = GROUPS.filter(({ group }) => group !== 'overlay');
const OVERLAY = GROUPS.find(({ group }) => group === 'overlay');

/** Made from the command list: what is not in it has no button. */
function Bar(of: BarProps) {
  const { context } = of;
  const { aiVisible, room } = context;
  const bar = useRef<HTMLDivElement>(null);
  const content = `${GROUPS.length} ${aiVisible} ${room.ai?.visible} ${room.tool}`;
  const folded = foldedOf(useFolded(bar, content));
  const placed = TOOLS.filter(({ group }) => !folded.has(group));
  return (
    <div ref={bar} className="tools" role="toolbar" aria-label={text.room.groups.image}>
      <ToolTip bar={bar} />
      <HangingMenu />
      {placed.map(({ group, name, commands }) => (
        <Fragment key={group}>
          <section aria-label={name}>
            {LARGE[group] ? (
              <LargeGroup commands={commands} buttons={LARGE[group]} {...of} />
            ) : (
              <div>
                {commands.map((command) => (
                  <ToolButton key={command.id} command={command} {...of} />
                ))}
              </div>
            )}
            <h3>{name}</h3>
          </section>
          {group === 'navigate' ? <Presets {...of} /> : null}
        </Fragment>
      ))}
      <MoreTools groups={TOOLS.filter(({ group }) => folded.has(group))} {...of} />
      <span className="grow" />
      {OVERLAY && aiVisible ? (
        <section aria-label={OVERLAY.name}>
          <div>
            {OVERLAY.commands.map((command) => (
              <AiToggle key={command.id} command={command} {...of} />
            ))}
            {hasMask(context) ? <Opacity /> : null}
          </div>
          <h3>{OVERLAY.name}</h3>
        </section>
      ) : null}
      {OVERLAY && room.ai?.visible === false ? (
        <LockedOverlay names={OVERLAY.commands.map((one) => one.name)} />
      ) : null}
    </div>
  );
}

/** Drawn anew where it looks different, of which there is little of what a room hears. */
const Drawn = memo(
  ({ face: _, ...of }: BarProps & { readonly face: string }) => <Bar {...of} />,
  (before, after) => before.face === after.face,
);

export function Toolbar({ context }: { context: ReadingContext }) {
  const latest = useRef(context);
  useLayoutEffect(() => {
    latest.current = context;
  });
  const now = useCallback(() => latest.current, []);
  return <Drawn face={faceOf(context)} context={context} now={now} />;
}
