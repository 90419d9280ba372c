// The committed bundle, gzipped: at most so many bytes in all, so that a page opens at once over a slow line.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const MAX_BYTES = 150_000;
const folder = new URL("../dist/assets/", import.meta.url).pathname;
let sum = 0;
for (const name of readdirSync(folder).sort()) {
  const bytes = gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  sum += bytes;
  console.log(`${String(bytes).padStart(8)}  ${name}`);
}
console.log(`${String(sum).padStart(8)}  in all, gzipped; at most ${MAX_BYTES}`);
if (sum > MAX_BYTES) {
  console.error("dist/assets is too large: load less, or load it later");
  process.exit(1);
}

// The report is one file, and each report carries it.
const report = gzipSync(readFileSync(new URL("../dist/report.html", import.meta.url).pathname), { level: 9 }).length;
console.log(`${String(report).padStart(8)}  report.html, gzipped; at most ${MAX_BYTES}`);
if (report > MAX_BYTES) {
  console.error("dist/report.html is too large: load less");
  process.exit(1);
}
