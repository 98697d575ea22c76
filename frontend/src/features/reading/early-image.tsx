import './reading.css';
import './pane.css';
import './early.css';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { warmDecoder } from '@/imaging/early-decode';
import { type EarlyPicture, paintEarly, prepareEarly } from '@/imaging/early-paint';
import { readIndex } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { leaveEarly, openEarly } from '@/state/reading-session';
import { findingsOf, useRoom } from '@/state/room';
import { useUser } from '@/state/session';
import { text } from '@/text/en';
import { firstImage, firstSeries } from './first-shown';
import { roomMayStart } from './room-start';
import { usePack, useStack } from './use-pack';

/** After this long the room starts even if no first image has been drawn. */
const PATIENCE_MS = 2500;

/** The pack's index is asked for as soon as the revision is known. */
function useEarlyIndex(): void {
  const queries = useQueryClient();
  const revision = useRoom((state) => state.item?.study.revision_id ?? null);
  useEffect(() => {
    if (revision === null) return;
    const base = `/pixels/${revision}/`;
    void queries.prefetchQuery({
      queryKey: ['pack', base],
      queryFn: ({ signal }) => readIndex(base, signal),
      retry: false,
      staleTime: Number.POSITIVE_INFINITY,
    });
  }, [queries, revision]);
}

/** The first image of the study, once it is here. */
function usePicture(): EarlyPicture | 'none' | null {
  const manifest = useRoom((state) => state.manifest);
  const ai = useRoom((state) => state.ai);
  const aiReady = useRoom((state) => state.ai !== null || state.aiFailure !== null);
  const { index, problem } = usePack(manifest);
  const findings = findingsOf(ai);
  const series = index && aiReady ? firstSeries(index, findings) : null;
  const { data: stack, error } = useStack(manifest?.pack.base ?? null, series);
  const image = stack && aiReady ? firstImage(stack, findings) : null;
  const [picture, setPicture] = useState<EarlyPicture | 'none' | null>(null);
  useEffect(() => {
    if (!image) return;
    let alive = true;
    prepareEarly(image).then(
      (ready) => alive && setPicture(ready ?? 'none'),
      () => alive && setPicture('none'),
    );
    return () => {
      alive = false;
    };
  }, [image]);
  const hopeless = problem !== null || error !== null || (index && aiReady && !series);
  return hopeless ? 'none' : picture;
}

/** Whether the room itself shows an image, or something else than this one. */
function useOvertaken(picture: EarlyPicture | 'none' | null): boolean {
  const shown = useViews((state) => {
    const first = state.panes[0];
    return first ? first.view !== null || first.trouble !== null : false;
  });
  const other = useRoom(
    ({ panes, mpr, phase }) =>
      mpr !== null ||
      phase === 'refused' ||
      panes.slice(1).some((pane) => pane.series !== null),
  );
  return shown || other || picture === 'none';
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

function Painted({ picture }: { picture: EarlyPicture }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame = 0;
    const step = () => {
      if (canvas.current && follow(canvas.current, picture)) roomMayStart();
      frame = requestAnimationFrame(step);
    };
    step();
    return () => cancelAnimationFrame(frame);
  }, [picture]);
  return <canvas ref={canvas} className="early-pixels" />;
}

/**
 * The first image, drawn before the room and its imaging library have loaded, and until
 * they draw it themselves. Opens the item, which the room goes on with.
 */
export function EarlyImage({ itemId }: { itemId: string }) {
  const user = useUser()?.id ?? null;
  useEffect(() => {
    if (user === null) return;
    openEarly(itemId, user);
    warmDecoder();
    const timer = setTimeout(roomMayStart, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
      leaveEarly(itemId);
    };
  }, [itemId, user]);
  useEarlyIndex();
  const picture = usePicture();
  const overtaken = useOvertaken(picture);
  useEffect(() => {
    if (overtaken) roomMayStart();
  }, [overtaken]);
  if (overtaken || picture === null || picture === 'none') return null;
  return <Painted picture={picture} />;
}

/** The room's outline while it is on its way, so that nothing moves when it comes. */
export function RoomOutline() {
  const item = useRoom((state) => state.item);
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
        <main id="main" className="stage">
          <div className="pane" />
        </main>
        <aside className="panel" />
      </div>
      <footer className="status" />
    </div>
  );
}
