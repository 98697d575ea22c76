import { detectRenderingCapabilities as detect } from '../../../node_modules/@cornerstonejs/core/dist/esm/utilities/renderingCapabilities.js';

/**
 * What the graphics card can do, for the viewer library. Its own way draws with six kinds
 * of texture before anything else. Where a card is emulated nothing is drawn by it here
 * (decisions/0017), but for fusion and volumes: so those are tried when they are asked for.
 */
type Capabilities = ReturnType<typeof detect>;

export { detect as detectRenderingCapabilities };

const EMULATED = /swiftshader|llvmpipe|softpipe|software|microsoft basic render/i;

let whole: Capabilities | null = null;
const all = () => {
  whole ??= detect();
  return whole;
};

/** What draws WebGL 2 here; null where nothing does. */
function rendererOf(): string | null {
  const gl = document.createElement('canvas').getContext('webgl2');
  if (!gl) return null;
  const named = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = gl.getParameter(named?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return String(renderer);
}

const ASKED = [
  'maxTextureSize',
  'norm16',
  'norm16Linear',
  'float',
  'floatLinear',
  'halfFloat',
  'halfFloatLinear',
] as const;

function onDemand(renderer: string): Capabilities {
  const known = { webgl: true, webgl2: true, renderer, softwareRasterizer: true };
  for (const name of ASKED) {
    Object.defineProperty(known, name, { get: () => all()[name], enumerable: true });
  }
  return known as Capabilities;
}

let known: Capabilities | null = null;

export function getRenderingCapabilities(): Capabilities {
  if (known) return known;
  const renderer = rendererOf();
  known = renderer !== null && EMULATED.test(renderer) ? onDemand(renderer) : all();
  return known;
}
