// Watches the page's canvases from inside, whatever viewer draws them: notes when they
// are painted, and keeps what they show. Reading a canvas back costs more than drawing
// it where the graphics card is emulated, so that it is read only when it was painted.
(() => {
  if (window.__probe) return;
  const SIDE = 64;
  const LIMIT = 16;
  const now = () => performance.timeOrigin + performance.now();
  const canvasOf = (side) => {
    const canvas = document.createElement('canvas');
    canvas.width = side;
    canvas.height = side;
    return canvas;
  };
  const small = canvasOf(SIDE);
  const pen = small.getContext('2d', { willReadFrequently: true });
  pen.imageSmoothingEnabled = false;
  const full = canvasOf(1);
  const fullPen = full.getContext('2d', { willReadFrequently: true });

  const isLarge = (canvas) => {
    if (!canvas.isConnected) return false;
    const { width, height } = canvas.getBoundingClientRect();
    return width > 300 && height > 300;
  };
  const last = new Map();
  const probe = {
    shots: [],
    acted: 0,
    // 'pictures': keep what is shown; 'paints': note times only; 'slices': count images.
    mode: 'pictures',
    lastPaint: 0,
    slices: 0,
    sliceOf: () => null,
    readyAt: 0,
    isReady: null,
    canvases: () => [...document.querySelectorAll('canvas')].filter(isLarge),
    clear() {
      probe.shots = [];
      probe.readyAt = 0;
      last.clear();
      for (const canvas of probe.canvases()) painted.add(canvas);
    },
  };

  const painted = new Set();
  // When the frame with what was painted last had left the page: two frames later at the
  // latest. The page may be busy with other things by the time the canvas is looked at.
  const shownAt = new WeakMap();
  const stamp = (canvas) => {
    const mine = {};
    shownAt.set(canvas, mine);
    // What is new may be replaced before the next look at all canvases.
    if (probe.mode === 'pictures' && !last.has(canvas)) requestAnimationFrame(tryLook);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        mine.at = now();
      }),
    );
  };
  const proto = CanvasRenderingContext2D.prototype;
  for (const name of ['drawImage', 'putImageData']) {
    const real = proto[name];
    proto[name] = function draw(...parts) {
      const { canvas } = this;
      if (canvas !== small && canvas !== full) {
        painted.add(canvas);
        stamp(canvas);
      }
      return real.apply(this, parts);
    };
  }

  const grey = (canvas) => {
    full.width = canvas.width;
    full.height = canvas.height;
    fullPen.drawImage(canvas, 0, 0);
    const { data } = fullPen.getImageData(0, 0, full.width, full.height);
    const out = new Uint8Array(full.width * full.height);
    for (let i = 0; i < out.length; i += 1) out[i] = data[i * 4 + 1];
    full.width = 1;
    return out;
  };
  const keep = (canvas) => {
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.drawImage(canvas, 0, 0, SIDE, SIDE);
    const { data } = pen.getImageData(0, 0, SIDE, SIDE);
    let sum = 0;
    let bright = 0;
    for (let i = 1; i < data.length; i += 4) {
      sum = (sum * 31 + data[i]) | 0;
      if (data[i] > 0) bright += 1;
    }
    if (last.get(canvas) === sum || bright === 0) return;
    last.set(canvas, sum);
    if (probe.shots.length >= LIMIT) return;
    const { width, height } = canvas;
    const index = probe.canvases().indexOf(canvas);
    const at = shownAt.get(canvas)?.at ?? now();
    probe.shots.push({ at, index, width, height, grey: grey(canvas) });
  };
  let shown = null;
  const count = () => {
    const slice = probe.sliceOf();
    if (slice === null || slice === shown) return;
    shown = slice;
    probe.slices += 1;
  };
  const look = () => {
    const canvases = [...painted].filter(isLarge);
    painted.clear();
    if (canvases.length > 0) probe.lastPaint = now();
    if (probe.mode === 'pictures') for (const canvas of canvases) keep(canvas);
    else if (probe.mode === 'slices' && canvases.length > 0) count();
    if (probe.readyAt === 0 && probe.isReady?.()) probe.readyAt = now();
  };
  const tryLook = () => {
    try {
      look();
    } catch (error) {
      probe.error = String(error);
    }
  };
  const loop = () => {
    tryLook();
    // While loading, looking must not cost more than what is looked at.
    if (probe.mode === 'slices') requestAnimationFrame(loop);
    else setTimeout(() => requestAnimationFrame(loop), 40);
  };
  requestAnimationFrame(loop);

  const act = (event) => {
    // A viewer may hand on a key that came too early for it: it was pressed before.
    if (!event.isTrusted) return;
    probe.acted = performance.timeOrigin + event.timeStamp;
  };
  window.addEventListener('pointerup', act, true);
  window.addEventListener('keydown', act, true);

  probe.list = () =>
    probe.shots.map(({ at, index, width, height }) => ({ at, index, width, height }));
  probe.picture = (place) => {
    const { grey: bytes } = probe.shots[place];
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) {
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    }
    return btoa(text);
  };
  probe.middle = () => {
    const { x, y, width, height } = probe.canvases()[0].getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  };
  window.__probe = probe;
})();
