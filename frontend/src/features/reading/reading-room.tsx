import { boxTakes } from '@/state/box-keys';
import { useKeyed } from '@/state/own-keys';
import './reading.css';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { useShallow } from 'zustand/react/shallow';
import type { ItemCritical, ToldBySource } from '@/api/critical-endpoints';
import { findCommand } from '@/commands/command';
import type { ReadingContext } from '@/commands/reading/context';
import { READING_COMMANDS } from '@/commands/reading-commands';
import { criticalStatements, type Statement } from '@/domain/critical';
import { formatClock } from '@/domain/format';
import type { Content, Finding, Id, Row, User } from '@/domain/model';
import { wordAgo } from '@/domain/wait';
import { KeysOverlay } from '@/features/shell/keys-overlay';
import { resetMpr } from '@/imaging/mpr-store';
import type { Stack } from '@/imaging/pack';
import { bindTool, ensureImaging, forgetImages } from '@/imaging/setup';
import { middleOf, suvOf } from '@/imaging/uptake';
import { resetViews, useViews } from '@/imaging/view-store';
import { useCine } from '@/state/cine';
import { portalNow } from '@/state/clock';
import { askWhoWasTold, useItemCritical } from '@/state/critical';
import { setDisplay, useDisplay } from '@/state/display';
import { useHangings } from '@/state/hanging';
import { useLinks } from '@/state/linking';
import { leaveMessage } from '@/state/message';
import {
  followExplained,
  followRow,
  hasUnsaved,
  isUnaided,
  leaveItem,
  lookInto,
  openItem,
  refreshRow,
  signItem,
} from '@/state/reading-session';
import {
  canWrite,
  endAsking,
  findingsOf,
  getRoom,
  type RoomState,
  setRoom,
  useRoom,
} from '@/state/room';
import { useCan, useUser } from '@/state/session';
import { onExplained } from '@/state/site-events';
import { followRows, loadList, useWorklist } from '@/state/worklist';
import { text } from '@/text/en';
import { looking } from '@/text/en-looking';
import { signed } from '@/text/en-signed';
import { Notice } from '@/ui/primitives';
import { useHotkeys } from '@/ui/use-hotkeys';
import { keptAhead, useAhead } from './ahead';
import { capturePane } from './capture-pane';
import { CompareFirst } from './compare-first';
import { CompareLesion } from './compare-lesion';
import { CriticalSign } from './critical-sign';
import { leaveRoom } from './draft-dialogs';
import { endMeasuring, moveMark } from './marks-moves';
import { ReadingPanel } from './reading-panel';
import { ReportDialog } from './report-dialog';
import { RoomDialogs } from './room-dialogs';
import { RoomHeader } from './room-header';
import { RoomNotices } from './room-notices';
import { SaveLayoutDialog } from './save-layout';
import { SeriesRail } from './series-rail';
import { signBlock } from './sign-block';
import { Stage } from './stage';
import { StatusLine } from './status-line';
import { Toolbar } from './toolbar';
import { startCommit } from './unaided';
import { useDisplayOf, useHanging, usePresets } from './use-display';
import { type PackState, usePack, useVolume } from './use-pack';
import { useVerifying } from './verifying';
import { inValues } from './window-words';

const ROW_MS = 30_000;

/** Opens the item while the room is on the screen, and leaves it after. */
function useOpened(itemId: Id, user: Id): void {
  useEffect(() => {
    void openItem(itemId, user);
    if (useWorklist.getState().status !== 'ready') void loadList();
    const unfollow = followRows(followRow);
    const unheed = onExplained(followExplained);
    const timer = setInterval(() => void refreshRow().catch(() => undefined), ROW_MS);
    const onUnload = (event: BeforeUnloadEvent) => {
      if (hasUnsaved()) event.preventDefault();
    };
    const onHide = () => void leaveItem();
    window.addEventListener('beforeunload', onUnload);
    window.addEventListener('pagehide', onHide);
    // The browser may bring a page that was left back as it was, without its lease.
    const onShow = (event: PageTransitionEvent) => {
      if (event.persisted) void openItem(itemId, user);
    };
    window.addEventListener('pageshow', onShow);
    return () => {
      unfollow();
      unheed();
      clearInterval(timer);
      window.removeEventListener('beforeunload', onUnload);
      window.removeEventListener('pagehide', onHide);
      window.removeEventListener('pageshow', onShow);
      void leaveItem();
      resetViews();
      resetMpr();
      setDisplay({ refusal: null, solid: false, pair: null, pairShown: null });
      forgetImages(keptAhead());
    };
  }, [itemId, user]);
}

function useTools(): void {
  const tool = useRoom((state) => state.tool);
  useEffect(() => {
    void ensureImaging().then(() => bindTool(tool));
  }, [tool]);
}

function moveFinding(findings: readonly Finding[], by: number): void {
  const { activeFinding } = getRoom();
  const place = findings.findIndex((one) => one.id === activeFinding);
  const next = findings[(place + by + findings.length) % findings.length];
  if (!next) return;
  setRoom({ activeFinding: next.id });
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-finding-card="${next.id}"]`)?.focus();
  });
}

/** To the first finding that signing waits for. */
function goToWaiting(findings: readonly Finding[], content: Content): void {
  const waiting = findings.find((one) => one.positive && !(one.id in content.verdicts));
  if (waiting) setRoom({ activeFinding: waiting.id });
}

/** Leaves out what a version before this amendment said, and somebody was told of. */
function untold(
  statements: readonly Statement[],
  known: ItemCritical | undefined,
): readonly Statement[] {
  const { itemId, reading } = getRoom();
  if (!reading?.amends) return statements;
  const told = (known?.items ?? []).filter(
    (one) => one.item_id === itemId && one.told?.told_to,
  );
  return statements.filter(
    ({ display }) => !told.some((one) => one.label.display === display),
  );
}

/** Asks who was told of what is critical in a reading; false when nothing is. */
function asksFirst(
  content: Content,
  known: ItemCritical | undefined,
  sign: (told: ToldBySource) => Promise<void>,
): boolean {
  const findings = findingsOf(getRoom().ai);
  const statements = untold(
    criticalStatements(findings, content, new Set(known?.codes)),
    known,
  );
  if (statements.length === 0) return false;
  askWhoWasTold({ statements, sign: (told) => void sign(told) });
  return true;
}

function useSigning() {
  const [, navigate] = useLocation();
  const critical = useItemCritical(useRoom((state) => state.itemId)).data;
  const goOn = (name: string, next: Row | null) => {
    const { reading } = getRoom();
    if (reading && reading.edition > 1) {
      leaveMessage(signed.done(name, reading.edition));
      return navigate('/signed');
    }
    if (next) return navigate(`/read/${next.id}`);
    leaveMessage(text.list.signed(name));
    navigate('/');
  };
  const sign = async (told?: ToldBySource): Promise<void> => {
    const room = getRoom();
    if (isUnaided(room.reading)) return startCommit();
    const findings = findingsOf(room.ai);
    const block = signBlock(room, findings);
    if (block !== null) return goToWaiting(findings, room.draft.content);
    if (!told && asksFirst(room.draft.content, critical, sign)) return;
    const name = room.item?.patient.name ?? '';
    const answer = await signItem(told);
    if (answer.signed) goOn(name, answer.next);
  };
  return () => sign();
}

function shownSeries({ index }: PackState): readonly number[] {
  return (index?.series ?? []).flatMap((one) => (one.displayable ? [one.index] : []));
}

const seriesOf = ({ manifest }: RoomState, index: number | null) =>
  manifest?.series.find((one) => one.index === index) ?? null;

const modalityOf = (room: RoomState) => seriesOf(room, room.mpr)?.modality ?? '';

/** The series in the active pane, when it is one that can be painted. */
function segmentableIn(
  room: RoomState,
  shown: { uid: string } | null,
  solid: boolean,
): string | null {
  if (room.mpr !== null && solid) return null;
  if (room.mpr !== null) return seriesOf(room, room.mpr)?.uid ?? null;
  if (room.panes[room.activePane]?.study) return null;
  return shown?.uid ?? null;
}

/** Of the study that is read, the series in the active pane. */
function ownSeries({ panes, activePane }: RoomState): number | null {
  const pane = panes[activePane];
  return pane?.study ? null : (pane?.series ?? null);
}

/**
 * What commands need to know of the active pane. It stays the same while the reader
 * scrolls: else the whole room would be drawn anew with every image.
 */
function useShown(pane: number) {
  return useViews(
    useShallow((state) => {
      const view = state.panes[pane]?.view;
      if (!view) return null;
      const { stack, image, count, inverted } = view;
      const { modality, uid } = stack;
      const suv = modality === 'PT' ? suvOf(image.dataset) : null;
      return { modality, uid, suv, count, inverted };
    }),
  );
}

interface Shown {
  readonly suv: number | null;
}

/** How many SUV one unit of what is shown is; null where that is not known. */
function suvIn(planes: boolean, stack: Stack | null, shown: Shown | null): number | null {
  if (!planes) return shown?.suv ?? null;
  const middle = stack && middleOf(stack);
  return middle ? suvOf(middle.dataset) : null;
}

function useContext(help: () => void, pack: PackState): ReadingContext {
  const room = useRoom();
  const can = useCan();
  const [, navigate] = useLocation();
  const sign = useSigning();
  const verify = useVerifying();
  const shown = useShown(room.activePane);
  const control = useViews((state) => state.controls[room.activePane] ?? null);
  const modality = room.mpr === null ? (shown?.modality ?? '') : modalityOf(room);
  const chosen = room.mpr ?? ownSeries(room);
  const priors = useHangings((state) => state.priors);
  const links = useLinks();
  const { stack, ...volume } = useVolume(room.manifest, pack.index, chosen);
  const planes = room.mpr !== null;
  const suv = suvIn(planes, stack, shown);
  const presets = inValues(usePresets(modality), modality, suv);
  const solid = useDisplay((state) => state.solid);
  const playing = useCine((state) => state.playing.has(room.activePane));
  const findings = findingsOf(room.ai);
  return {
    room,
    findings,
    finding: findings.find((one) => one.id === room.activeFinding) ?? null,
    aiVisible: findings.length > 0,
    writable: canWrite(room),
    view: shown || planes ? control : null,
    imageCount: shown?.count ?? 0,
    playing,
    hasImage: shown !== null && !planes,
    ...volume,
    seriesIndices: shownSeries(pack),
    segmentable: segmentableIn(room, shown, solid),
    inverted: shown?.inverted ?? false,
    modality,
    presets,
    priors: priors !== null && priors.length > 0,
    links,
    can,
    moveFinding: (by) => moveFinding(findings, by),
    moveMark: (by) => moveMark(pack.index, by),
    sign: () => void sign(),
    verify,
    escape: () => {
      if (!endMeasuring() && !endAsking()) void leaveRoom(navigate);
    },
    capture: () => void capturePane(room.activePane),
    help,
  };
}

function Refused() {
  const refusal = useRoom((state) => state.refusal);
  const [, navigate] = useLocation();
  const itemId = useRoom((state) => state.itemId);
  const user = useUser();
  if (!refusal) return null;
  const leased = refusal.kind === 'leased';
  const since = leased && refusal.since ? wordAgo(refusal.since, portalNow()) : '';
  const detail = leased
    ? text.room.refused(refusal.holder, since)
    : refusal.offline
      ? text.common.offline
      : refusal.detail;
  return (
    <main className="refusal">
      <div>
        <Notice
          kind="warn"
          assertive
          title={leased ? text.room.refusedTitle : text.room.failedTitle}
          actions={
            <>
              <button type="button" className="btn primary" onClick={() => navigate('/')}>
                {text.room.toWorklist}
              </button>
              <button
                type="button"
                className="btn"
                onClick={() => {
                  if (itemId && user) void openItem(itemId, user.id);
                }}
              >
                {text.common.retry}
              </button>
              {leased ? (
                <button
                  type="button"
                  className="btn"
                  onClick={() => {
                    if (itemId) void lookInto(itemId);
                  }}
                >
                  {looking.look}
                </button>
              ) : null}
            </>
          }
        >
          {detail}{' '}
          {leased && refusal.until
            ? text.room.refusedUntil(formatClock(refusal.until))
            : ''}
        </Notice>
      </div>
    </main>
  );
}

function Room({ itemId, user }: { itemId: Id; user: User }) {
  const [help, setHelp] = useState(false);
  const [, navigate] = useLocation();
  useOpened(itemId, user.id);
  useTools();
  const manifest = useRoom((state) => state.manifest);
  const pack = usePack(manifest);
  const context = useContext(() => setHelp(true), pack);
  const { room } = context;
  const commands = useKeyed(READING_COMMANDS);
  const labels = useDisplay((state) => state.labels);
  useHanging(pack);
  useAhead(itemId);
  useDisplayOf(room.item?.study.id ?? null);

  useHotkeys((stroke, target) => {
    const inStage = target === document.body || target.closest('.stage') !== null;
    if ((stroke === 'Tab' || stroke === 'Shift+Tab') && !inStage) return false;
    if (boxTakes(stroke)) return true;
    const command = findCommand(commands, stroke, context);
    command?.perform(context);
    return command !== null;
  });

  if (room.phase === 'refused') return <Refused />;
  const ready = pack.index !== null;
  return (
    <div className={labels ? 'room' : 'room no-labels'}>
      <RoomHeader user={user} onBack={() => void leaveRoom(navigate)} />
      <Toolbar context={context} />
      <RoomNotices
        onReload={() => void reopen(itemId, user.id)}
        onVerify={context.verify}
      />
      <div className="room-middle">
        <SeriesRail manifest={room.manifest} ready={ready} />
        <Stage pack={pack} />
        <ReadingPanel context={context} index={pack.index} />
      </div>
      <StatusLine context={context} />
      <CriticalSign />
      <ReportDialog writable={context.writable} />
      <RoomDialogs findings={context.findings} />
      <SaveLayoutDialog />
      <CompareFirst />
      <CompareLesion manifest={room.manifest} index={pack.index} />
      <KeysOverlay
        commands={READING_COMMANDS}
        opened={help}
        onClose={() => setHelp(false)}
      />
    </div>
  );
}

/** Opens the same item anew, with the images that have come since. */
async function reopen(itemId: Id, user: Id): Promise<void> {
  await leaveItem(false);
  resetViews();
  resetMpr();
  await openItem(itemId, user);
}

export function ReadingRoom({ itemId }: { itemId: Id }) {
  const user = useUser();
  return user ? <Room itemId={itemId} user={user} /> : null;
}
