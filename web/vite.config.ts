import { defineConfig } from "vitest/config";

// `npm run dev` shows the sources as they are; requests go to a running `ct replay --port 8123`.
export default defineConfig({
  base: "./",
  // No inlined assets: the server's Content-Security-Policy allows files of its own only.
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 800 },
  server: { proxy: { "/api": process.env.CT_SERVER ?? "http://127.0.0.1:8123" } },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
