import { Menu } from '@mantine/core';
import { Fragment, useRef } from 'react';
import { type Command, groupCommands } from '@/commands/command';
import type { ReadingContext } from '@/commands/reading/context';
import { windowImage, windowPresetCommands } from '@/commands/reading/window-preset';
import { READING_COMMANDS } from '@/commands/reading-commands';
import { ariaHotkey, printHotkey } from '@/domain/hotkeys';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyOf } from '@/state/own-keys';
import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import { segments } from '@/text/en-segments';
import { Glyph } from '@/ui/glyph';
import { HangingMenu } from './hanging-menu';
import { ToolTip } from './tool-tip';
import { foldedOf, MoreTools, useFolded } from './toolbar-more';
import { LockedOverlay } from './unaided';

interface ToolProps {
  readonly command: Command<ReadingContext>;
  readonly context: ReadingContext;
}

function run({ command, context }: ToolProps): void {
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

function Presets({ context }: { context: ReadingContext }) {
  const { presets, view, modality } = context;
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
                onClick={() => run({ command, context })}
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

interface GroupProps {
  readonly commands: readonly Command<ReadingContext>[];
  readonly context: ReadingContext;
  readonly buttons: Buttons;
}

/** The tools of a large group: the usual ones as buttons, all of them in a menu. */
function LargeGroup({ commands, context, buttons }: GroupProps) {
  const { more } = buttons;
  return (
    <div>
      {commands.map((command) => {
        const room = roomFor(command, context, buttons);
        return room === null ? null : (
          <span key={command.id} className={room}>
            <ToolButton command={command} context={context} />
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
              onClick={() => run({ command, context })}
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
function Opacity({ context: { findings, room } }: { context: ReadingContext }) {
  if (!findings.some((finding) => finding.mask && finding.positive)) return null;
  return (
    <input
      type="range"
      className="opacity"
      min={0}
      max={100}
      step={5}
      value={Math.round(room.maskOpacity * 100)}
      aria-label={text.masks.opacity}
      title={text.masks.opacity}
      disabled={!room.marks}
      onChange={(event) =>
        setRoom({ maskOpacity: event.currentTarget.valueAsNumber / 100 })
      }
    />
  );
}

/** Made from the command list: what is not in it has no button. */
export function Toolbar({ context }: { context: ReadingContext }) {
  const groups = groupCommands(READING_COMMANDS.filter((one) => one.toolbar));
  const tools = groups.filter(({ group }) => group !== 'overlay');
  const overlay = groups.find(({ group }) => group === 'overlay');
  const bar = useRef<HTMLDivElement>(null);
  const { aiVisible, room } = context;
  const content = `${groups.length} ${aiVisible} ${room.ai?.visible} ${room.tool}`;
  const folded = foldedOf(useFolded(bar, content));
  const placed = tools.filter(({ group }) => !folded.has(group));
  return (
    <div ref={bar} className="tools" role="toolbar" aria-label={text.room.groups.image}>
      <ToolTip bar={bar} />
      <HangingMenu />
      {placed.map(({ group, name, commands }) => (
        <Fragment key={group}>
          <section aria-label={name}>
            {LARGE[group] ? (
              <LargeGroup commands={commands} context={context} buttons={LARGE[group]} />
            ) : (
              <div>
                {commands.map((command) => (
                  <ToolButton key={command.id} command={command} context={context} />
                ))}
              </div>
            )}
            <h3>{name}</h3>
          </section>
          {group === 'navigate' ? <Presets context={context} /> : null}
        </Fragment>
      ))}
      <MoreTools
        groups={tools.filter(({ group }) => folded.has(group))}
        context={context}
      />
      <span className="grow" />
      {overlay && aiVisible ? (
        <section aria-label={overlay.name}>
          <div>
            {overlay.commands.map((command) => (
              <AiToggle key={command.id} command={command} context={context} />
            ))}
            <Opacity context={context} />
          </div>
          <h3>{overlay.name}</h3>
        </section>
      ) : null}
      {overlay && context.room.ai?.visible === false ? (
        <LockedOverlay names={overlay.commands.map((one) => one.name)} />
      ) : null}
    </div>
  );
}
