import assert from "node:assert/strict";
import { test } from "node:test";

import { between, count, duration, instant, ms, percent, rate } from "./format";

test("figures keep about four digits", () => {
  const figures: [string, string][] = [
    [ms(0.1234), "0.123"],
    [ms(12.345), "12.35"],
    [ms(123.45), "123.5"],
    [ms(1234.5), "1235"],
    [ms(null), "–"],
    [count(1234567), "1,234,567"],
    [count(undefined), "–"],
    [rate(0.5), "0.5"],
    [rate(1234.56), "1,234.6"],
    [rate(43210.9), "43,211"],
    [percent(0), "0 %"],
    [percent(0.5), "50 %"],
    [percent(0.0123), "1.2 %"],
    [percent(0.00004), "0.004 %"],
  ];
  for (const [shown, expected] of figures) assert.equal(shown, expected);
});

test("durations have two units at most", () => {
  for (const [seconds, expected] of [
    [0, "0.0 s"],
    [9.94, "9.9 s"],
    [30.4, "30 s"],
    [61, "1 min 1 s"],
    [3_599.6, "1 h 0 min"],
    [7_380, "2 h 3 min"],
    [200_000, "2 d 7 h"],
  ] as const) {
    assert.equal(duration(seconds), expected);
  }
});

test("an instant of today has no date", () => {
  const now = new Date(2026, 10, 30, 12, 0, 0);
  assert.equal(instant(new Date(2026, 10, 30, 9, 8, 7).toISOString(), now), "09:08:07");
  assert.equal(instant(new Date(2026, 0, 2, 9, 8, 7).toISOString(), now), "2026-01-02 09:08:07");
});

test("seconds between instants are never negative", () => {
  assert.equal(between("2026-01-01T00:00:00Z", "2026-01-01T00:00:02.5Z"), 2.5);
  assert.equal(between("2026-01-01T00:00:05Z", "2026-01-01T00:00:02Z"), 0);
  assert.equal(between(null, "2026-01-01T00:00:02Z"), null);
});
