// How the tests of two sides are drawn: a colour a side, and a kind of line for each test of it. Pure.

export interface Look {
  id: string;
  /** Unlike any other: the side, its number where a side has several, and the test's name. */
  name: string;
  colour: string;
  dash?: readonly number[];
}

const DASHES: readonly (readonly number[] | null)[] = [null, [8, 4], [2, 3], [10, 3, 2, 3]];

/** Every test of both sides, those of A first. */
export function looks(a: readonly string[], b: readonly string[], nameOf: (id: string) => string): Look[] {
  const side = (letter: string, colour: string, ids: readonly string[]): Look[] =>
    ids.map((id, index) => {
      const dash = DASHES[index % DASHES.length];
      return { id, name: `${letter}${ids.length > 1 ? index + 1 : ""}: ${nameOf(id)}`, colour, ...(dash ? { dash } : {}) };
    });
  return [...side("A", "--c-1", a), ...side("B", "--c-2", b)];
}
