// Synthetic pixels for the development fake: an ellipse-built chest, CT and film.
import { deflateSync } from 'node:zlib';

const inside = (x, y, cx, cy, rx, ry) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1;

function hounsfield(x, y, z) {
  if (!inside(x, y, 0.5, 0.5, 0.44, 0.32)) return -1000;
  const skin = !inside(x, y, 0.5, 0.5, 0.42, 0.3);
  if (skin) return -90;
  const grow = 0.6 + 0.4 * Math.sin(Math.PI * z);
  const left = inside(x, y, 0.33, 0.48, 0.13 * grow, 0.21 * grow);
  const right = inside(x, y, 0.67, 0.48, 0.13 * grow, 0.21 * grow);
  if (inside(x, y, 0.5, 0.72, 0.055, 0.06)) return 420;
  if (inside(x, y, 0.52, 0.46, 0.09 * grow, 0.1 * grow) && z > 0.3) return 60;
  if (inside(x, y, 0.58, 0.62, 0.03, 0.03)) return 180;
  if (z > 0.42 && z < 0.58 && inside(x, y, 0.35, 0.42, 0.03, 0.03)) return 40;
  if (left || right) return -820 + 60 * Math.sin(40 * x) * Math.cos(36 * y);
  return 50;
}

const noise = (x, y, z) =>
  ((Math.sin(x * 12.9898 + y * 78.233 + z * 37.7) * 43758.5453) % 1) * 24;

/** One CT slice as stored 16-bit unsigned values (slope 1, intercept -1024). */
export function ctSlice(size, z) {
  const out = new Uint16Array(size * size);
  for (let j = 0; j < size; j += 1) {
    for (let i = 0; i < size; i += 1) {
      const hu = hounsfield(i / size, j / size, z) + noise(i, j, z);
      out[j * size + i] = Math.max(0, Math.round(hu + 1024));
    }
  }
  return out;
}

function film(x, y) {
  if (!inside(x, y, 0.5, 0.62, 0.47, 0.62)) return 0.02;
  let density = 0.55 - 0.1 * Math.abs(x - 0.5);
  if (inside(x, y, 0.3, 0.5, 0.15, 0.3)) density -= 0.36;
  if (inside(x, y, 0.7, 0.5, 0.15, 0.3)) density -= 0.36;
  if (Math.abs(x - 0.5) < 0.04) density += 0.2;
  if (inside(x, y, 0.55, 0.62, 0.14, 0.13)) density += 0.28;
  const rib = Math.abs(((y * 11 + 2.2 * Math.abs(x - 0.5)) % 1) - 0.5);
  if (rib < 0.1 && y < 0.8) density += 0.07;
  if (inside(x, y, 0.68, 0.62, 0.06, 0.07)) density += 0.24;
  return Math.min(1, Math.max(0, density));
}

/** A chest film, 12 bits in 16; `inverted` stores it as MONOCHROME1. */
export function filmImage(columns, rows, inverted) {
  const out = new Uint16Array(columns * rows);
  for (let j = 0; j < rows; j += 1) {
    for (let i = 0; i < columns; i += 1) {
      const value = Math.round(
        film(i / columns, j / rows) * 3800 + noise(i, j, 1) * 2 + 60,
      );
      out[j * columns + i] = inverted ? 4095 - value : value;
    }
  }
  return out;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  let crc = 0xffffffff;
  for (const byte of body) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 8 + data.length);
  return out;
}

/** 8-bit grey PNG of `value(x, y)` in 0..1. */
export function greyPng(width, height, value) {
  const raw = Buffer.alloc((width + 1) * height);
  for (let j = 0; j < height; j += 1) {
    for (let i = 0; i < width; i += 1) {
      raw[j * (width + 1) + 1 + i] = Math.round(
        255 * Math.min(1, Math.max(0, value(i / width, j / height))),
      );
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

export const ctThumb = () =>
  greyPng(128, 128, (x, y) => (hounsfield(x, y, 0.5) + 200) / 600);
export const filmThumb = () => greyPng(128, 150, (x, y) => film(x, y));
export const saliency = () =>
  greyPng(64, 64, (x, y) =>
    Math.exp(-(((x - 0.68) / 0.1) ** 2) - ((y - 0.62) / 0.1) ** 2),
  );
