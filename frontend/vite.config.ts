import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where the development server finds the portal (or the fake of it). */
const portal = process.env.OVERREAD_DEV_PORTAL ?? 'http://127.0.0.1:18301';

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': new URL('./src', import.meta.url).pathname } },
  base: '/',
  build: {
    outDir: '../static/app',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4500,
  },
  worker: { format: 'es' },
  optimizeDeps: {
    exclude: ['@cornerstonejs/dicom-image-loader'],
    include: [
      'dicom-parser',
      'events',
      '@cornerstonejs/codec-charls/decodewasmjs',
      '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
      '@cornerstonejs/codec-libjxl/decodewasmjs',
      '@cornerstonejs/codec-openjpeg/decodewasmjs',
      '@cornerstonejs/codec-openjph/wasmjs',
    ],
  },
  server: {
    host: '127.0.0.1',
    port: Number(process.env.OVERREAD_DEV_PORT ?? 18300),
    strictPort: true,
    proxy: {
      '/api': portal,
      '/pixels': portal,
      '/ws': { target: portal, ws: true },
    },
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
