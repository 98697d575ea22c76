// Label maps kept by their hash, and an interpolation that only copies.
const slices = new Map();
const jobs = new Map();

export function segmentSlice(method, path, body, answer) {
  const sha = path.split('/').at(-1);
  if (method === 'PUT') {
    const known = slices.has(sha);
    slices.set(sha, body);
    return answer(known ? 200 : 201, { sha256: sha });
  }
  const found = slices.get(sha);
  return found
    ? answer(200, found, { 'Content-Encoding': 'gzip' })
    : answer(404, { code: 'not_found', detail: 'There is no such label map here.' });
}

export const SEGMENT_ROUTES = [
  ['GET', /^studies\/[^/]+\/segmentations$/, () => ({ items: [], hidden_reason: '' })],
  [
    'POST',
    /^worklist\/items\/[^/]+\/segment-interpolations$/,
    (_, { body }) => {
      const id = String(jobs.size + 1);
      jobs.set(id, body);
      return { id };
    },
  ],
  [
    'GET',
    /^worklist\/items\/[^/]+\/segment-interpolations\/(.+)$/,
    ([, id]) => ({ id, state: 'done', reason: '', slices: jobs.get(id).slices }),
  ],
];
