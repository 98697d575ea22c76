import { tellLoggedOut } from '@/api/client';
import { WorklistSocket } from '@/realtime/worklist-socket';
import { heedUnread } from './notices';
import { heedEvents, heedExplained } from './site-events';
import {
  loadList,
  setEventSource,
  setLive,
  takeEvents,
  takeTick,
  useWorklist,
} from './worklist';

let socket: WorklistSocket | null = null;

/** Opens the one live connection of this page; safe to call again. */
export function startLive(): void {
  if (socket) return;
  socket = new WorklistSocket({
    since: () => useWorklist.getState().list.seq,
    events: (events, now) => {
      takeEvents(events, now);
      heedEvents(events);
    },
    notified: heedUnread,
    explained: heedExplained,
    resync: () => void loadList(true),
    tick: takeTick,
    connected: setLive,
    loggedOut: tellLoggedOut,
  });
  setEventSource(socket);
  window.addEventListener('online', wake);
  socket.start();
}

function wake(): void {
  socket?.wake();
}

export function stopLive(): void {
  window.removeEventListener('online', wake);
  socket?.stop();
  socket = null;
  setEventSource(null);
  setLive(false);
}
