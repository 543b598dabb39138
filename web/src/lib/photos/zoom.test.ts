import { expect, test } from "vitest";

import { farthest, fitted, held, WHOLE, zoomed } from "./zoom";

const stage = { width: 1000, height: 600 };

test("a picture fits its stage and is hardly blown up", () => {
  expect(fitted({ width: 4000, height: 3000 }, stage)).toEqual({ width: 800, height: 600 });
  expect(fitted({ width: 200, height: 100 }, stage)).toEqual({ width: 400, height: 200 });
});

test("what is under the pointer stays under it", () => {
  const at = { x: 120, y: -80 };
  const before = { scale: 2, x: 30, y: 10 };
  const after = zoomed(before, 5, at);
  const spot = (stand: typeof before): number[] => [(at.x - stand.x) / stand.scale, (at.y - stand.y) / stand.scale];
  expect(spot(after)[0]).toBeCloseTo(spot(before)[0] as number);
  expect(spot(after)[1]).toBeCloseTo(spot(before)[1] as number);
});

test("a picture cannot be pushed off its stage, nor made smaller than whole", () => {
  const fit = { width: 800, height: 600 };
  expect(held({ scale: 0.3, x: 500, y: 500 }, fit, stage, 8)).toEqual(WHOLE);
  expect(held({ scale: 2, x: 900, y: -900 }, fit, stage, 8)).toEqual({ scale: 2, x: 300, y: -300 });
  expect(held({ scale: 99, x: 0, y: 0 }, fit, stage, 8).scale).toBe(8);
});

test("every pixel can be seen", () => {
  expect(farthest({ width: 8000, height: 6000 }, { width: 800, height: 600 })).toBe(20);
  expect(farthest({ width: 100, height: 100 }, { width: 100, height: 100 })).toBe(3);
});
