import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * The reading room's code is fetched when the network is idle. It is not compiled then:
 * that would hold up what draws the first image (measured: by 0.3 s).
 */
function prefetchRoom(): Plugin {
  return {
    name: 'prefetch-room',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) => {
        const chunks = Object.values(bundle ?? {}).filter((one) => one.type === 'chunk');
        const named = (name: string) => chunks.filter((chunk) => chunk.name === name);
        const styles = named('start').flatMap((chunk) => [
          ...(chunk.viteMetadata?.importedCss ?? []),
        ]);
        return [
          // The page's first script asks for the application: it comes beside it.
          ...named('start').flatMap(({ fileName, imports }) =>
            [fileName, ...imports].map((name) => link('modulepreload', name)),
          ),
          ...styles.map((name) => link('preload', name, 'style')),
          ...named('reading-room').map(({ fileName }) =>
            link('prefetch', fileName, 'script'),
          ),
        ];
      },
    },
  };
}

const link = (rel: string, fileName: string, as?: string) => ({
  tag: 'link',
  injectTo: 'head' as const,
  attrs: { rel, href: `/${fileName}`, crossorigin: true, ...(as ? { as } : {}) },
});

/**
 * A script with one letter beyond Latin 1 is held with two bytes a letter, all of it and
 * for as long as the page lives. Written as escapes they mean the same.
 */
function plainLetters(): Plugin {
  return {
    name: 'plain-letters',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler: (_options, bundle) => {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === 'chunk') chunk.code = escaped(chunk.code);
        }
      },
    },
  };
}

const escaped = (code: string) =>
  code.replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Styles of Mantine's are listed one by one (src/ui/mantine.ts): none may be missing. */
function mantineStyles(): Plugin {
  const MODULE = /\/@mantine\/core\/.*\/(\w+)\.module\.mjs$/;
  return {
    name: 'mantine-styles',
    apply: 'build',
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
      const needed = chunks.flatMap((chunk) =>
        Object.keys(chunk.modules).flatMap((id) => MODULE.exec(id)?.[1] ?? []),
      );
      const listed = [...this.getModuleIds()].join('\n');
      const missing = needed.filter((name) => !listed.includes(`/styles/${name}.css`));
      if (needed.length === 0) this.error('no component of Mantine in the bundle');
      if (missing.length > 0) this.error(`src/ui/mantine.ts lacks ${missing}`);
    },
  };
}

/** Beside each built file its gzip, made once and well: the server sends that. */
function precompress(): Plugin {
  const KINDS = /\.(js|css|wasm|svg|html|json)$/;
  return {
    name: 'precompress',
    apply: 'build',
    writeBundle: ({ dir }, bundle) => {
      for (const name of Object.keys(bundle)) {
        const path = `${dir}/${name}`;
        if (!KINDS.test(name)) continue;
        const body = readFileSync(path);
        if (body.length > 1024) writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
      }
    },
  };
}

const here = (path: string) => new URL(path, import.meta.url).pathname;

/** Where the development server finds the portal (or the fake of it). */
const portal = process.env.OVERREAD_DEV_PORTAL ?? 'http://127.0.0.1:18301';

export default defineConfig({
  plugins: [react(), mantineStyles(), plainLetters(), prefetchRoom(), precompress()],
  resolve: {
    alias: [
      { find: /^@(?=\/)/, replacement: here('./src') },
      // A megabyte of DICOM files' reader and writer, of which the viewer library needs
      // its log and two lists that are not used here; and polygons that are never cut.
      { find: /^dcmjs$/, replacement: here('./src/imaging/leave-out/dcmjs.ts') },
      { find: /^clipper2-ts$/, replacement: here('./src/imaging/leave-out/clipper.ts') },
      // Trying out the graphics card, where it is only emulated.
      {
        find: /^\.(\/utilities)?\/renderingCapabilities\.js$/,
        replacement: here('./src/imaging/leave-out/capabilities.ts'),
      },
      // Meshes' files, which are never read, and drawing through WebGPU, which the viewer
      // library never asks for: a fifth of the room's code.
      { find: /^xmlbuilder2$/, replacement: here('./src/imaging/leave-out/xml.ts') },
      {
        find: /^\.\.\/WebGPU\/Profiles\/\w+\.js$/,
        replacement: here('./src/imaging/leave-out/webgpu.ts'),
      },
    ],
  },
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
      'comlink',
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
