import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { byName } from "./word";

const word = (name: string, ...also: string[]) => ({ name, also, text: `about ${name}` });

test("a word's first name comes before another one's further names", () => {
  const words = byName([word("response"), word("failed", "failures"), word("failed verdict", "failed", "Bad")]);
  assert.equal(words.get("failed")?.text, "about failed");
  assert.equal(words.get("failures")?.text, "about failed");
  assert.equal(words.get("bad")?.text, "about failed verdict");
});

/** Every name that docs/words.md explains. */
function explained(): Set<string> {
  const names = new Set<string>();
  for (const line of readFileSync("../docs/words.md", "utf8").split("\n")) {
    const [, name] = /^## (.+)$/.exec(line) ?? [];
    const [, also] = /^Also: (.+)$/.exec(line) ?? [];
    for (const one of [...(name ? [name] : []), ...(also?.split(",") ?? [])]) names.add(one.trim().toLowerCase());
  }
  return names;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : /\.tsx?$/.test(path) && !path.includes(".test.") ? [path] : [];
  });
}

test("each word that a page explains is one of docs/words.md", () => {
  const names = explained();
  assert.ok(names.size > 60, `${names.size} names`);
  let found = 0;
  for (const path of files("src")) {
    const source = readFileSync(path, "utf8");
    for (const [, name = ""] of source.matchAll(/(?:<Word of=|\bword: |\bword=)"([^"]+)"/g)) {
      found += 1;
      assert.ok(names.has(name.toLowerCase()), `${path} explains "${name}", which docs/words.md does not have`);
    }
  }
  assert.ok(found > 40, `${found} words`);
});
