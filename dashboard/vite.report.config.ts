import { defineConfig, type Plugin } from "vite";

/** Puts all scripts and styles into report.html, which then loads nothing. */
function inline(): Plugin {
  return {
    name: "inline",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["report.html"];
      if (page?.type !== "asset") throw new Error("vite.report.config.ts: where is report.html?");
      let html = typeof page.source === "string" ? page.source : new TextDecoder().decode(page.source);
      // Scripts stand at the end of the body, behind the data that they read.
      const scripts: string[] = [];
      for (const [name, file] of Object.entries(bundle)) {
        if (name === "report.html") continue;
        if (file.type === "chunk") {
          html = html.replace(new RegExp(`\\s*<script[^>]*src="[^"]*${name}"[^>]*></script>`), "");
          // Nothing in a script may end it.
          scripts.push(`<script type="module">${file.code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--")}</script>`);
        } else if (name.endsWith(".css")) {
          const css = typeof file.source === "string" ? file.source : new TextDecoder().decode(file.source);
          html = html.replace(new RegExp(`<link[^>]*href="[^"]*${name}"[^>]*>`), () => `<style>${css}</style>`);
        } else throw new Error(`vite.report.config.ts: ${name} has no place in report.html`);
        delete bundle[name];
      }
      html = html.replace("</body>", () => `${scripts.join("")}\n  </body>`);
      if (/(src|href)="(?!data:)/.test(html.replace(/<script type="module">[\s\S]*<\/script>/, ""))) {
        throw new Error("vite.report.config.ts: report.html would load a file");
      }
      page.source = html;
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [inline()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: false,
    sourcemap: false,
    reportCompressedSize: false,
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 1_000_000,
    rollupOptions: { input: "report.html" },
  },
});
