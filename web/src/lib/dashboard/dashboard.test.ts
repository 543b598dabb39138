import { expect, test } from "vitest";

import { labelled, largest, overTime, percent, ticks } from "./charts";
import { arrange, edgesOf } from "./graph";
import { browser, contentType, gathered, rendition, told } from "./words";

test("months without photos stand between those with some, over New Year too", () => {
  const bars = overTime([
    { month: "2025-02", count: 3 },
    { month: "2024-11", count: 5 },
  ]);
  expect(bars).toEqual([
    { key: "2024-11", value: 5 },
    { key: "2024-12", value: 0 },
    { key: "2025-01", value: 0 },
    { key: "2025-02", value: 3 },
  ]);
  expect(overTime([])).toEqual([]);
  expect([...labelled(bars, 10)]).toEqual(["2024-11", "2025-01"]);
});

test("many years are told apart by year, and none is lost", () => {
  const months = Array.from({ length: 300 }, (_, n) => ({
    month: `${2000 + Math.floor(n / 12)}-${String((n % 12) + 1).padStart(2, "0")}`,
    count: n % 7,
  }));
  const bars = overTime(months);
  expect(bars.map(({ key }) => key)).toEqual(Array.from({ length: 25 }, (_, n) => String(2000 + n)));
  const sum = (values: number[]): number => values.reduce((one, other) => one + other, 0);
  expect(sum(bars.map(({ value }) => value))).toBe(sum(months.map(({ count }) => count)));
  expect(labelled(bars, 6).size).toBeLessThanOrEqual(6);
});

test.each([0, 1, 2, 3, 7, 10, 41, 99, 100, 101, 12345])(
  "the lines behind bars up to %d are round, whole and few",
  (most) => {
    const lines = ticks(most);
    expect(lines[0]).toBe(0);
    expect(lines.at(-1)).toBeGreaterThanOrEqual(most);
    expect(lines.length).toBeLessThanOrEqual(6);
    expect(lines.every(Number.isInteger)).toBe(true);
  },
);

test("small shares become one, and nothing is lost", () => {
  const shares = [1, 5, 3, 0, 2].map((value, n) => ({ name: `n${n}`, value }));
  expect(largest(shares, 3)).toEqual([
    { name: "n1", value: 5 },
    { name: "n2", value: 3 },
    { name: "Others", value: 3 },
  ]);
  expect(largest(shares, 9).map(({ value }) => value)).toEqual([5, 3, 2, 1]);
  const twice = [2, 3].map((value) => ({ name: "TGA", value })); // image/tga and image/x-tga
  expect(largest(twice, 3)).toEqual([{ name: "TGA", value: 5 }]);
  expect([percent(1, 3), percent(1, 1000), percent(0, 5), percent(1, 0)]).toEqual(["33 %", "< 1 %", "0 %", "0 %"]);
});

const PEOPLE = [
  { person_id: "anna", appears_with: [{ person_id: "ben", images: 20 }] },
  {
    person_id: "ben",
    appears_with: [
      { person_id: "anna", images: 20 },
      { person_id: "gone", images: 3 },
    ],
  },
  { person_id: "carl", appears_with: [{ person_id: "dora", images: 2 }] },
  { person_id: "dora", appears_with: [{ person_id: "carl", images: 2 }] },
];

test("a pair is one edge, and who is not listed has none", () => {
  expect(edgesOf(PEOPLE)).toEqual([
    { one: "anna", other: "ben", images: 20 },
    { one: "carl", other: "dora", images: 2 },
  ]);
});

test("who appears together stands together, the same way each time, and nobody outside", () => {
  const ids = PEOPLE.map(({ person_id }) => person_id);
  const nodes = arrange(ids, edgesOf(PEOPLE));
  expect(arrange(ids, edgesOf(PEOPLE))).toEqual(nodes);
  const far = (one: number, other: number): number => {
    const [a, b] = [nodes[one], nodes[other]];
    return Math.hypot(((a?.x ?? 0) - (b?.x ?? 0)) * 1.6, (a?.y ?? 0) - (b?.y ?? 0));
  };
  expect(far(0, 1)).toBeLessThan(Math.min(far(0, 2), far(0, 3), far(1, 2), far(1, 3)));
  expect(far(2, 3)).toBeLessThan(Math.min(far(0, 2), far(1, 3)));
});

test.each([0, 1, 2, 30])("%d people all have room", (number) => {
  const nodes = arrange(
    Array.from({ length: number }, (_, n) => `p${n}`),
    [],
  );
  expect(nodes).toHaveLength(number);
  for (const { x, y } of nodes) expect(x > 0 && x < 1 && y > 0 && y < 1).toBe(true);
  for (const [n, a] of nodes.entries()) {
    for (const b of nodes.slice(n + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(0.04);
  }
});

test("what happened is told in sentences", () => {
  expect(told({ kind: "upload", detail: { photos: 3, bytes: 4_200_000 } }).text).toBe("3 photos added, 4.2 MB.");
  expect(told({ kind: "albums-built", detail: { albums: 1 } }).text).toBe("1 new album made by itself.");
  expect(told({ kind: "albums-built", detail: { albums: 2 } }).text).toBe("2 new albums made by themselves.");
  expect(told({ kind: "person-named", detail: { person_id: "p", name: "Anna" } })).toMatchObject({
    text: "You named somebody “Anna”.",
    to: ["people", "p"],
  });
  expect(told({ kind: "log-in", detail: { user_agent: "Mozilla/5.0 (X11; Linux) Firefox/140.0" } }).text).toBe(
    "You logged in with Firefox on Linux.",
  );
  expect(told({ kind: "webhook-stopped", detail: { because: "it is gone." } }).text).toBe(
    "A webhook was stopped: it is gone.",
  );
  expect(told({ kind: "something-new", detail: {} }).text).toBe("Something new.");
  expect(told({ kind: "album-created", detail: { title: 7 } }).text).toBe("You made the album without a title.");
  expect([browser(null), browser("?")]).toEqual(["", ""]);
});

test("kinds and types have names", () => {
  expect([rendition("preview"), rendition("new-kind")]).toEqual(["Previews", "New kind"]);
  expect(["image/jpeg", "image/svg+xml", "image/x-adobe-dng", "odd"].map(contentType)).toEqual([
    "JPEG",
    "SVG",
    "ADOBE-DNG",
    "ODD",
  ]);
});

test("of a day, uploads are one line and so are the albums that came of them", () => {
  const day = [
    { id: 6, kind: "log-in", detail: { user_agent: "Firefox" } },
    { id: 5, kind: "albums-built", detail: { albums: 2 } },
    { id: 4, kind: "upload", detail: { photos: 100, bytes: 5 } },
    { id: 3, kind: "albums-built", detail: { albums: 7 } },
    { id: 2, kind: "photo-deleted", detail: {} },
    { id: 1, kind: "upload", detail: { photos: 17, bytes: 6 } },
    { id: 0, kind: "log-in", detail: { user_agent: "Firefox" } },
    { id: -1, kind: "log-in", detail: { user_agent: "curl" } },
  ];
  const lines = gathered(day);
  expect(lines.map(({ id }) => id)).toEqual([6, 5, 4, 2, -1]);
  expect(lines.map((line) => told(line).text)).toEqual([
    "You logged in twice with Firefox.",
    "9 new albums made by themselves.",
    "117 photos added, 11 bytes.",
    "A photo was moved to the trash.",
    "You logged in with curl.",
  ]);
  expect(day[1]?.detail).toEqual({ albums: 2 });
});
