import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The browser fetches the window's code with the page, not when the first script asks for it. */
const fetchedEarly: Plugin = {
  name: "fetched-early",
  transformIndexHtml: {
    order: "post",
    handler(_html, { bundle, chunk: first }) {
      const window = Object.values(bundle ?? {}).find((file) => file.type === "chunk" && file.name === "window");
      const parts = window?.type === "chunk" ? [window.fileName, ...window.imports] : [];
      return parts
        .filter((name) => name !== first?.fileName)
        .map((name) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${name}` } }));
    },
  },
};

// `npm run dev` shows the sources as they are; requests go to a running `ct replay --port 8123`.
export default defineConfig({
  base: "./",
  plugins: [fetchedEarly],
  // No inlined assets: the server's Content-Security-Policy allows files of its own only.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 800 },
  server: { proxy: { "/api": process.env.CT_SERVER ?? "http://127.0.0.1:8123" } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
