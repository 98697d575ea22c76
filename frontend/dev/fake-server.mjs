// A fake of the portal's border for development: the contract of docs/architecture.md
// with synthetic phantoms. Never part of the product.
//   node dev/fake-server.mjs [port]
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { heldPicture } from './fake/held.mjs';
import { putChunk, troubles } from './fake/intakes.mjs';
import { maskBytes, pixels } from './fake/packs.mjs';
import { saliency } from './fake/phantoms.mjs';
import { byId, Refusal, ROUTES } from './fake/routes.mjs';
import { segmentSlice } from './fake/segments.mjs';
import {
  ago,
  change,
  iso,
  log,
  login,
  MIN,
  makeRow,
  OTHER,
  readingOf,
  rows,
  seq,
  sockets,
  sorted,
} from './fake/world.mjs';

const port = Number(process.argv[2] ?? 18301);
async function bodyOf(request) {
  const chunks = [];
  for await (const one of request) chunks.push(one);
  const text = Buffer.concat(chunks).toString();
  return text ? JSON.parse(text) : {};
}

const server = createServer(async (request, response) => {
  const answer = (status, body, headers = {}) => {
    const raw = Buffer.isBuffer(body);
    response.writeHead(
      status,
      raw ? headers : { 'Content-Type': 'application/json', ...headers },
    );
    response.end(raw ? body : body === undefined ? '' : JSON.stringify(body));
  };
  const url = new URL(request.url, 'http://fake');
  if (url.pathname.startsWith('/pixels/')) return pixels(url.pathname, answer);
  const path = url.pathname.replace(/^\/api\//, '');
  if (/^quarantine\/.+\/pictures\//.test(path)) {
    const picture = heldPicture(path);
    return picture
      ? answer(200, picture, { 'Content-Type': 'image/png' })
      : answer(404, { code: 'no_picture', detail: 'It has no picture.' });
  }
  if (/artefacts\/cccccccc/.test(path))
    return answer(200, maskBytes(), {
      'Content-Type': 'application/x-overread-mask+gzip',
      'Content-Encoding': 'gzip',
    });
  if (/artefacts/.test(path))
    return answer(200, saliency(), { 'Content-Type': 'image/png' });
  // For walk-throughs: let things happen on demand.
  if (path === 'fake/late') {
    const row = byId(url.searchParams.get('id'));
    row.study = { ...row.study, revision_id: randomUUID(), revision: 2 };
    change(row);
    return answer(204);
  }
  if (path === 'fake/steal') {
    const row = byId(url.searchParams.get('id'));
    row.lease = {
      holder: OTHER,
      mine: false,
      since: ago(0),
      expires_at: ago(-10),
      draft_saved_at: null,
    };
    change(row);
    return answer(204);
  }
  if (path === 'fake/bump') {
    readingOf(byId(url.searchParams.get('id'))).version += 5;
    return answer(204);
  }
  if (path === 'fake/stat') {
    const row = makeRow(200 + log.length, {
      band: 'STAT',
      band_source: 'clinician',
      waited: 0,
    });
    rows.set(row.id, row);
    change(row);
    return answer(204);
  }
  if (path === 'fake/trouble') {
    troubles[url.searchParams.get('kind')] = Number(url.searchParams.get('n'));
    return answer(204);
  }
  if (/segment-slices\//.test(path)) {
    const bytes = [];
    for await (const one of request) bytes.push(one);
    return segmentSlice(request.method, path, Buffer.concat(bytes), answer);
  }
  if (request.method === 'PUT' && path.startsWith('intakes/')) {
    let length = 0;
    for await (const one of request) length += one.length;
    await new Promise((resolve) => setTimeout(resolve, troubles.slow));
    try {
      const offset = Number(request.headers['upload-offset']);
      return answer(200, putChunk(path, offset, length));
    } catch (error) {
      return answer(error.status ?? 500, error.body ?? {});
    }
  }
  const body = ['POST', 'PUT'].includes(request.method) ? await bodyOf(request) : {};
  if (!login.name && path !== 'session')
    return answer(401, { code: 'not_logged_in', detail: 'Please log in.' });
  for (const [method, pattern, handle] of ROUTES) {
    const match = method === request.method && pattern.exec(path);
    if (!match) continue;
    try {
      const data = handle(match, { search: url.searchParams, body, request });
      return answer(data === undefined ? 204 : 200, data);
    } catch (error) {
      if (error instanceof Refusal || error.body) return answer(error.status, error.body);
      throw error;
    }
  }
  return answer(404, { code: 'not_found', detail: 'There is nothing at this address.' });
});

new WebSocketServer({ server, path: '/ws/worklist' }).on('connection', (socket) => {
  socket.on('message', (text) => {
    const { since } = JSON.parse(text);
    const missed = log.filter((event) => event.seq > (since[event.site] ?? 0));
    socket.send(JSON.stringify({ type: 'events', events: missed, now: iso(Date.now()) }));
    sockets.add(socket);
  });
  socket.on('close', () => sockets.delete(socket));
});
setInterval(() => {
  for (const socket of sockets)
    socket.send(JSON.stringify({ type: 'tick', seq, now: iso(Date.now()) }));
}, 5000).unref();
if (process.env.FAKE_EVENTS !== '0') {
  let n = 300;
  setInterval(() => {
    n += 1;
    const pending = sorted().find(
      (row) => row.ai.state === 'pending' || row.ai.state === 'running',
    );
    if (n % 2 && pending) {
      Object.assign(pending.ai, {
        state: 'done',
        reason: '',
        label: 'Pneumonia',
        probability: 0.83,
        threshold: 0.4,
        acuity: 'urgent',
        model: { name: 'cxr-panel', version: '5.0.2' },
      });
      pending.due_at = iso(Date.parse(pending.arrived_at) + 100 * MIN);
      change(pending);
    } else {
      const row = makeRow(n, { waited: 0 });
      rows.set(row.id, row);
      change(row);
    }
  }, 7000).unref();
}
server.listen(port, '127.0.0.1', () => console.log(`fake portal on ${port}`));
