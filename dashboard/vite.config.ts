import { defineConfig, type Plugin } from "vite";

// In development the pages come from Vite and everything else from an orchestrator: `groundswell up`, then `npm run dev`.
const orchestrator = process.env["GROUNDSWELL_URL"] ?? "http://127.0.0.1:8080";
const served = ["/api", "/docs", "/healthz", "/readyz", "/metrics", "/openapi.json"];

const TYPES: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Writes dist/bundle.rs, by which the orchestrator's binary holds these files: `cargo build` needs no Node. */
function bundleForRust(): Plugin {
  return {
    name: "bundle-for-rust",
    enforce: "post",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/")).sort();
      const lines = files.map((name) => {
        const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
        if (type === undefined) throw new Error(`vite.config.ts: what type is ${name}?`);
        return `    (${JSON.stringify(name.slice("assets/".length))}, ${JSON.stringify(type)}, include_bytes!(${JSON.stringify(name)})),`;
      });
      const source = [
        "//! Written by `npm run build` in dashboard/; see its vite.config.ts. Do not edit.",
        "",
        "/// The document of every page.",
        'pub const INDEX: &str = include_str!("index.html");',
        "",
        "/// The files that it loads: name, media type, content.",
        "pub const FILES: &[(&str, &str, &[u8])] = &[",
        ...lines,
        "];",
        "",
      ];
      this.emitFile({ type: "asset", fileName: "bundle.rs", source: source.join("\n") });
    },
  };
}

export default defineConfig({
  base: "/",
  appType: "spa",
  plugins: [bundleForRust()],
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
