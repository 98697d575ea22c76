import './reading.css';
import './pane.css';
import './early.css';
import { useQueryClient } from '@tanstack/react-query';
import {
  startTransition,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { layoutOf } from '@/domain/layout';
import { warmDecoder } from '@/imaging/decode-pool';
import { type EarlyPicture, paintEarly, prepareEarly } from '@/imaging/early-paint';
import { afterFirstPaint, holdForPaint, onScreen } from '@/imaging/first-paint';
import { useViews } from '@/imaging/view-store';
import { leaveEarly, openEarly } from '@/state/reading-session';
import { findingsOf, getRoom, type RoomState, setRoom, useRoom } from '@/state/room';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { firstAhead } from './first-ahead';
import { firstImage, firstSeries } from './first-shown';
import { indexOf, usePack, useStack } from './use-pack';

/** After this long heavy work starts even if no first image has been drawn. */
const PATIENCE_MS = 2500;

/** The room holds the study that was left until the next one is opened. */
function useOwn<T>(itemId: string, select: (room: RoomState) => T): T | null {
  return useRoom((state) => (state.itemId === itemId ? select(state) : null));
}

/** Where the study's frames are; its index is asked for as soon as that is known. */
function useBase(itemId: string): string | null {
  const queries = useQueryClient();
  const revision = useOwn(itemId, ({ item }) => item?.study.revision_id ?? null);
  const base = revision === null ? null : `/pixels/${revision}/`;
  useEffect(() => {
    if (base === null) return;
    void queries.prefetchQuery({
      queryKey: ['pack', base],
      queryFn: ({ signal }) => indexOf(base, signal),
      retry: false,
      staleTime: Number.POSITIVE_INFINITY,
    });
  }, [queries, base]);
  return base;
}

/** What was brought in ahead for the item, as long as it is of what was opened. */
function useFirstAhead(itemId: string, base: string | null) {
  const [first] = useState(() => firstAhead(itemId));
  return first && (base === null || base === first.base) ? first : null;
}

/** The first image of the study, once it is here. */
function usePicture(itemId: string, ready: EarlyPicture | null) {
  const manifest = useOwn(itemId, (room) => room.manifest);
  const ai = useOwn(itemId, (room) => room.ai);
  const failed = useOwn(itemId, (room) => room.aiFailure !== null);
  const aiReady = ai !== null || failed === true;
  const { index, problem } = usePack(manifest);
  const findings = findingsOf(ai);
  const series = index && aiReady ? firstSeries(index, findings) : null;
  const { data: stack, error } = useStack(manifest?.pack.base ?? null, series);
  useEffect(() => {
    // An uncompressed frame needs no decoder, and the room starts those it needs.
    const { ext, transfer_syntax } = series?.instances[0] ?? { ext: 'raw' };
    if (!ready && ext !== 'raw') warmDecoder(transfer_syntax);
  }, [series, ready]);
  const image = stack && aiReady ? firstImage(stack, findings) : null;
  const [picture, setPicture] = useState<EarlyPicture | 'none' | null>(null);
  useEffect(() => {
    if (!image || image.url === ready?.image.url) return;
    let alive = true;
    // The room may have hung it already, with a window of its own.
    const hung = () => getRoom().panes[0]?.start?.window ?? null;
    prepareEarly(image, hung).then(
      (ready) => alive && setPicture(ready ?? 'none'),
      () => alive && setPicture('none'),
    );
    return () => {
      alive = false;
    };
  }, [image, ready]);
  const hopeless = problem !== null || error !== null || (index && aiReady && !series);
  return { picture: hopeless ? ('none' as const) : (picture ?? ready), series };
}

/** Whether the room itself shows the study, or hangs another picture first. */
function useOvertaken(itemId: string, base: string | null, series: number | null) {
  const shown = useViews(({ panes }) => {
    const first = panes[0];
    if (!first || base === null) return false;
    return first.trouble !== null || first.view?.image.url.startsWith(base) === true;
  });
  const other = useOwn(itemId, ({ panes, mpr, phase }) => {
    const [first] = panes;
    const hung = first?.series ?? null;
    const plain = !first?.start?.sopUid && !first?.study && first?.over === undefined;
    const same = hung === null || (hung === series && plain);
    return mpr !== null || phase === 'refused' || !same;
  });
  return { shown, other: other === true };
}

function follow(canvas: HTMLCanvasElement, picture: EarlyPicture): boolean {
  const pane = document.querySelector('.stage .pane');
  if (!pane) return false;
  const { left, top, width, height } = pane.getBoundingClientRect();
  const place = `${left} ${top} ${width} ${height}`;
  if (canvas.dataset['place'] === place) return true;
  canvas.dataset['place'] = place;
  canvas.style.cssText = `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
  paintEarly(canvas, picture);
  return true;
}

interface PaintedProps {
  readonly picture: EarlyPicture;
  readonly onPainted: () => void;
}

function Painted({ picture, onPainted }: PaintedProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return;
    let frame = 0;
    let told = false;
    const step = () => {
      if (follow(element, picture) && !told) {
        told = true;
        void onScreen().then(onPainted);
      }
      frame = requestAnimationFrame(step);
    };
    step();
    return () => {
      cancelAnimationFrame(frame);
      // Its memory is given back now, not when the page's rubbish is next collected.
      element.width = 0;
      delete element.dataset['place'];
    };
  }, [picture, onPainted]);
  return <canvas ref={canvas} className="early-pixels" />;
}

/** Shuts the gate for heavy work while an item opens; answers how to open it. */
function useGate(itemId: string): () => void {
  const release = useRef<() => void>(() => undefined);
  useLayoutEffect(() => {
    if (itemId === '') return;
    const open = holdForPaint(PATIENCE_MS);
    release.current = open;
    return open;
  }, [itemId]);
  return useCallback(() => release.current(), []);
}

interface EarlyProps {
  readonly itemId: string;
  readonly base: string | null;
  /** Lets heavy work begin. */
  readonly release: () => void;
  readonly onShown: () => void;
}

function Early({ itemId, base, release, onShown }: EarlyProps) {
  const ahead = useFirstAhead(itemId, base);
  const { picture, series } = usePicture(itemId, ahead?.picture ?? null);
  const place = series?.index ?? ahead?.series ?? null;
  const { shown, other } = useOvertaken(itemId, base, place);
  const overtaken = shown || other || picture === 'none';
  useEffect(() => {
    if (overtaken) release();
    if (shown) onShown();
  }, [overtaken, shown, release, onShown]);
  if (overtaken || picture === null) return null;
  return <Painted picture={picture} onPainted={release} />;
}

/**
 * The first image, drawn before the room and its imaging library have loaded, and until
 * they draw it themselves. Opens the item, which the room goes on with.
 */
export function EarlyImage({ itemId }: { itemId: string }) {
  const user = useUser()?.id ?? null;
  const release = useGate(itemId);
  const [over, setOver] = useState(false);
  useEffect(() => {
    if (user === null) return;
    // The room keeps the grid of the study before until it knows the next one's.
    const grid = firstAhead(itemId);
    if (grid) setRoom({ layout: layoutOf(grid.rows, grid.columns) });
    openEarly(itemId, user);
    return () => leaveEarly(itemId);
  }, [itemId, user]);
  const base = useBase(itemId);
  const onShown = useCallback(() => setOver(true), []);
  // Once the room shows the study, nothing of the picture is kept.
  if (over) return null;
  return <Early itemId={itemId} base={base} release={release} onShown={onShown} />;
}

/** Keys that are pressed before the room is there are not lost: it gets them after. */
function useEarlyKeys(): void {
  useEffect(() => {
    const pressed: KeyboardEvent[] = [];
    const since = performance.now();
    const keep = (event: KeyboardEvent) => {
      // The key that opened the study may still be on its way through the page.
      if (event.timeStamp > since) pressed.push(event);
    };
    window.addEventListener('keydown', keep);
    return () => {
      window.removeEventListener('keydown', keep);
      // The room listens once its own effects have run.
      setTimeout(() => {
        for (const event of pressed) {
          document.body.dispatchEvent(new KeyboardEvent('keydown', event));
        }
      });
    };
  }, []);
}

/**
 * Whether the room may be put on the screen: not before a first image that is here
 * already, which takes much less than the room.
 */
export function useRoomMay(itemId: string): boolean {
  const [may, setMay] = useState(() => firstAhead(itemId) === null);
  useEffect(() => {
    let alive = true;
    void afterFirstPaint().then(() => {
      // In slices: the page stays free to show the image, and to take keys.
      if (alive) startTransition(() => setMay(true));
    });
    return () => {
      alive = false;
    };
  }, []);
  return may;
}

/** The room's outline while it is on its way, so that nothing moves when it comes. */
export function RoomOutline({ itemId }: { itemId: string }) {
  const item = useOwn(itemId, (room) => room.item);
  const [{ rows, columns }] = useState(
    () => firstAhead(itemId) ?? { rows: 1, columns: 1 },
  );
  useEarlyKeys();
  return (
    <div className="room early">
      <header className="room-top">
        <span className="who-is">
          {item ? (
            <>
              <b>{item.patient.name}</b>
              <span className="t3">{text.room.patientId(item.patient.id)}</span>
            </>
          ) : (
            text.room.opening
          )}
        </span>
      </header>
      <div className="tools" />
      <div className="room-middle">
        <nav className="rail" aria-label={text.room.thisStudy} />
        <main
          id="main"
          className="stage"
          style={{
            gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`,
            gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
          }}
        >
          {Array.from({ length: rows * columns }, (_, pane) => pane).map((pane) => (
            <div key={pane} className="pane" />
          ))}
        </main>
        <aside className="panel" />
      </div>
      <footer className="status" />
    </div>
  );
}
