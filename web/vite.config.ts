import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Of the API that `npm run dev` asks; `make run` prints its address. */
const API = process.env.PHOTOVAULT_API ?? "http://127.0.0.1:8999";

const SEGMENTS =
  "auth|search|images|albums|people|faces|labels|jobs|dashboard|exports|shares|s|blobs|health|ready|docs|openapi.json";

/** Beside each text its gzip, so that whoever serves it has nothing to compute. */
function packed(): Plugin {
  return {
    name: "photovault-packed",
    apply: "build",
    async writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => /\.(?:js|css|svg)$/.test(each))) {
        const path = join(dir ?? ".", name);
        await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  // The gallery does not know under which path it will stand.
  base: "./",
  plugins: [svelte(), packed()],
  worker: { format: "es" },
  build: {
    outDir: "../shared/photovault/web/gallery",
    emptyOutDir: true,
    // Everything has a name and is asked for: the page's policy knows no inline scripts and no data: fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // In KB: the finest coasts are a script of their own, which comes when somebody zooms in that far.
    chunkSizeWarningLimit: 4000,
    // A slow machine is no news to whoever runs `make`.
    rolldownOptions: { checks: { pluginTimings: false } },
    target: "es2022",
  },
  server: {
    proxy: Object.fromEntries([[`^/(?:${SEGMENTS})(?:[/?]|$)`, { target: API, changeOrigin: false }]]),
  },
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
