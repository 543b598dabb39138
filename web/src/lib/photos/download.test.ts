import { expect, test, vi } from "vitest";

vi.mock("../api", () => ({ api: {} }));

const { packed } = await import("./download");

test("packets hold no more than they may, and a larger photo alone", () => {
  const packets = packed(
    [3, 4, 5, 12, 1].map((bytes) => ({ bytes })),
    10,
  );
  expect(packets.map((each) => each.map(({ bytes }) => bytes))).toEqual([[3, 4], [5], [12], [1]]);
  expect(packed([], 10)).toEqual([]);
});
