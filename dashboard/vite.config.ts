import { defineConfig } from "vite";

// In development the pages come from Vite and everything else from an orchestrator: `groundswell up`, then `npm run dev`.
const orchestrator = process.env["GROUNDSWELL_URL"] ?? "http://127.0.0.1:8080";
const served = ["/api", "/docs", "/healthz", "/readyz", "/metrics", "/openapi.json"];

export default defineConfig({
  base: "/",
  appType: "spa",
  build: {
    target: "es2022",
    assetsDir: "assets",
    sourcemap: false,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    // No `data:` in style sheets or scripts: every file has a hashed name, and the policy allows no more.
    assetsInlineLimit: 0,
  },
  server: { proxy: Object.fromEntries(served.map((path) => [path, { target: orchestrator }])) },
});
