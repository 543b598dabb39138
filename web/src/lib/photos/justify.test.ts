import { expect, test } from "vitest";

import {
  bounded,
  estimate,
  heightOfRows,
  inOneRow,
  justify,
  NARROWEST,
  rowsBetween,
  sideBySide,
  USUAL,
  WIDEST,
} from "./justify";

/** Numbers that look random and are the same each time (an LCG of Numerical Recipes). */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    yield state / 2 ** 32;
  }
}

const cases = [320, 390, 768, 1280, 2560].flatMap((width) => [1, 2, 7, 100, 1000].map((count) => [width, count]));

test.each(cases)("at %i pixels, %i photos stand once each, in order, in rows that fill the width", (width, count) => {
  const draw = numbers(width * count);
  const ratios = Array.from({ length: count }, () => NARROWEST + draw.next().value * (WIDEST - NARROWEST));
  const measures = { width, height: width < 600 ? 130 : 220, gap: 4 };
  const rows = justify(ratios, measures);
  expect(rows.flatMap(({ start, end }) => ratios.slice(start, end))).toEqual(ratios);
  let top = 0;
  for (const [at, row] of rows.entries()) {
    expect(row.end).toBeGreaterThan(row.start);
    expect(row.top).toBeCloseTo(top, 6);
    top += row.height + measures.gap;
    const filled =
      ratios.slice(row.start, row.end).reduce((sum, ratio) => sum + ratio * row.height, 0) +
      measures.gap * (row.end - row.start - 1);
    if (at < rows.length - 1) expect(filled).toBeCloseTo(width, 6);
    else expect(filled).toBeLessThanOrEqual(width + 0.001);
    expect(row.height).toBeLessThan(measures.height * 2.2);
  }
});

test.each([0, 1, 3, 4, 5, 63, 64, 65, 66, 67, 1000])(
  "what %i unknown photos will take is foretold exactly",
  (count) => {
    const measures = { width: 1234, height: 220, gap: 4 };
    const rows = justify(new Array<number>(count).fill(USUAL), measures);
    expect(estimate(count, measures)).toBeCloseTo(heightOfRows(rows), 6);
  },
);

test("a photo without a size, a panorama and a ribbon are bounded", () => {
  expect([null, undefined, 0, Number.NaN, 20, 0.01, 1.5].map(bounded)).toEqual([
    USUAL,
    USUAL,
    USUAL,
    USUAL,
    WIDEST,
    NARROWEST,
    1.5,
  ]);
});

test("rows are found by where they are", () => {
  const rows = justify(new Array<number>(100).fill(1), { width: 400, height: 100, gap: 4 });
  const [first, end] = rowsBetween(rows, 250, 450);
  expect(rows.slice(first, end).every((row) => row.top + row.height >= 250 && row.top <= 450)).toBe(true);
  expect(rows[first - 1]?.top).toBeLessThan(250 - (rows[0]?.height ?? 0));
  expect(rowsBetween(rows, 1e9, 1e9)).toEqual([rows.length, rows.length]);
  expect(rowsBetween([], 0, 100)).toEqual([0, 0]);
});

test.each([320, 390, 768, 1280, 2560])(
  "at %i pixels, sections side by side do not touch, and none is left out",
  (width) => {
    const draw = numbers(width);
    const [gap, least] = [24, 160];
    const widths = Array.from({ length: 500 }, () => {
      const wide = draw.next().value * width * 1.5;
      return wide > width ? Infinity : wide;
    });
    const stands = sideBySide(widths, { width, gap, least });
    expect(stands).toHaveLength(widths.length);
    let end = Infinity;
    for (const [at, { left, begins }] of stands.entries()) {
      const taken = Math.max(least, widths[at] as number);
      // A line is begun only where there is no room on the one before.
      expect(begins).toBe(end + gap + taken > width);
      expect(left).toBe(begins ? 0 : end + gap);
      if (!begins) expect(left + taken).toBeLessThanOrEqual(width);
      end = left + taken;
    }
  },
);

test("what is wider than a row has a line of its own, between short ones too", () => {
  const stands = sideBySide([100, Infinity, 100, 300, 100], { width: 600, gap: 20, least: 160 });
  expect(stands.map(({ begins }) => begins)).toEqual([true, true, true, false, true]);
  expect(stands.map(({ left }) => left)).toEqual([0, 0, 0, 180, 0]);
});

test("how wide pictures are in one row is told as far as they fit", () => {
  const measures = { width: 1000, height: 200, gap: 4 };
  expect(inOneRow([1.5, 0.75], measures)).toBe(300 + 4 + 150);
  expect(inOneRow([2.5, 2.5], measures)).toBe(Infinity);
});
