// Numbers, times and durations as people read them. Pure. Digits are set in columns by the style sheet.

const COUNT = new Intl.NumberFormat("en-US");

/** A count; `–` where it is not known. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? "–" : COUNT.format(n);
}

/** Milliseconds with four figures or so: 0.123, 12.34, 123.4, 1234. Without a unit. */
export function ms(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 1_000) return value.toFixed(0);
  return value.toFixed(value >= 100 ? 1 : value >= 10 ? 2 : 3);
}

/** A rate, without a unit. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 10_000) return COUNT.format(Math.round(value));
  return COUNT.format(Number(value.toFixed(value >= 100 ? 1 : 2)));
}

/** A share of 1 in percent. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return "–";
  const of = 100 * share;
  return `${of === 0 || of >= 10 ? of.toFixed(0) : of >= 0.1 ? of.toFixed(1) : of.toPrecision(1)} %`;
}

/** How long something took, in seconds or longer: 3.2 s, 4 min 5 s, 2 h 3 min. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [h, min, s] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60), whole % 60];
  if (h >= 48) return `${Math.floor(h / 24)} d ${h % 24} h`;
  return h > 0 ? `${h} h ${min} min` : `${min} min ${s} s`;
}

/** An instant in this browser's time zone; the date is left out where it is today. */
export function instant(at: string, now: Date): string {
  const when = new Date(at);
  const time = when.toLocaleTimeString("en-GB");
  const sameDay = when.toDateString() === now.toDateString();
  return sameDay ? time : `${isoDay(when)} ${time}`;
}

function isoDay(when: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

/** Seconds between two instants of RFC 3339; null where one is missing. */
export function between(from: string | null | undefined, to: string | null | undefined): number | null {
  if (!from || !to) return null;
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}
